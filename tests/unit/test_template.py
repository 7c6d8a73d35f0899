"""The campus file that `bursar init` writes: it works as it is, and says everything that can be said."""

from __future__ import annotations

import re
import tomllib
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.campus.describe import Form, Key, default, keys, tag
from pipeline.campus.load import load
from pipeline.campus.settings import Campus
from pipeline.campus.template import campus_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic import BaseModel

TEXT = campus_file()
SETTING = re.compile(r"#{0,2}[a-z_]+ = |#?\[")


def models(model: type[BaseModel] = Campus) -> Iterator[type[BaseModel]]:
    """Every table that a campus file may hold."""
    yield model
    for key in keys(model).values():
        for inner in key.models:
            yield from models(inner)


EVERY_KEY = [(model, key) for model in dict.fromkeys(models()) for key in keys(model).values()]


def everything_live() -> str:
    """The same file with every mark taken away; what may only stand in the place of another key keeps its second."""
    return re.sub(r"^#(?=\S)", "", TEXT, flags=re.MULTILINE)


def everything_said() -> dict[str, Any]:
    """The same, and each key that may only stand in the place of another beside it."""
    return tomllib.loads(re.sub(r"^##?(?=\S)", "", TEXT, flags=re.MULTILINE))


def test_the_file_loads_as_it_is_and_needs_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "campus.toml"
    path.write_text(TEXT, "utf-8")
    assert load(path, secrets=True).secrets == {}


def test_the_file_loads_with_every_mark_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "campus.toml"
    path.write_text(everything_live(), "utf-8")
    campus = load(path).campus
    assert campus.alma is not None
    assert {source.kind for source in campus.sources.values()} == {"alma_export", "report", "analytics"}


def test_a_key_in_the_place_of_another_one_is_marked_twice() -> None:
    assert "\n##column = " in TEXT
    assert "\n##header = " in TEXT


def below(form: Form, value: Any) -> list[dict[str, Any]]:
    """The tables that a value of the file holds."""
    if form is Form.NAMED:
        return list(value.values())
    tables: dict[Form, list[dict[str, Any]]] = {Form.VALUE: [], Form.TABLE: [value], Form.LIST: value}
    return tables[form]


def said(model: type[BaseModel], tables: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Every key of every model that some table says, model by model."""
    for key in keys(model).values():
        values = [table[key.name] for table in tables if key.name in table]
        if not values:
            continue
        yield (model.__name__, key.name)
        inside = [one for value in values for one in below(key.form, value)]
        for inner in key.models:
            kinds = keys(inner)["kind"].field.examples if "kind" in inner.model_fields else None
            yield from said(inner, [one for one in inside if not kinds or one["kind"] in kinds])


def test_every_key_of_the_settings_stands_in_the_file_in_its_own_table() -> None:
    there = set(said(Campus, [everything_said()]))
    assert there == {(model.__name__, key.name) for model, key in EVERY_KEY}


def marked(model: type[BaseModel], every: dict[str, Any], live: dict[str, Any]) -> Iterator[tuple[str, Key, Any]]:
    """Every value that stands behind a mark: its place, its key, and what is shown."""
    for key in keys(model).values():
        shown = every.get(key.name)
        if key.form is Form.VALUE:
            if shown is not None and key.name not in live:
                yield f"{model.__name__}.{key.name}", key, shown
            continue
        used = below(key.form, live[key.name]) if key.name in live else []
        for number, table in enumerate(below(key.form, shown)):
            kinds = [one for one in key.models if table.get("kind", "") == tag(one)]
            yield from marked((kinds or [*key.models])[0], table, used[number] if number < len(used) else {})


def test_what_stands_behind_a_mark_is_what_counts_without_it_wherever_something_does() -> None:
    behind = list(marked(Campus, tomllib.loads(everything_live()), tomllib.loads(TEXT)))
    other = [(place, shown) for place, key, shown in behind if default(key) not in (None, as_read(shown))]
    assert other == []
    assert len({place for place, key, _ in behind if default(key) is not None}) > 60


def as_read(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def test_a_forgotten_key_would_be_seen() -> None:
    without = everything_said()
    del without["alma"]["settle_s"]
    there = set(said(Campus, [without]))
    assert {(model.__name__, key.name) for model, key in EVERY_KEY} - there == {("Alma", "settle_s")}


@pytest.mark.parametrize(("model", "key"), EVERY_KEY, ids=[f"{model.__name__}.{key.name}" for model, key in EVERY_KEY])
def test_every_key_is_described_in_plain_words(model: type[BaseModel], key: Any) -> None:
    described = key.field.description or ""
    assert len(described) >= 7
    assert re.search(rf"^#.*{re.escape(described[:40])}", TEXT, re.MULTILINE)


def test_every_key_stands_below_its_description() -> None:
    lines = TEXT.split("\n")
    bare = [line for above, line in pairwise(lines) if SETTING.match(line) and above[:2] != "# "]
    assert bare == []


def test_no_line_is_too_wide_to_read() -> None:
    assert max(len(line) for line in TEXT.split("\n")) <= 120
