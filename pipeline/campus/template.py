"""A campus file to start from: every key there is, with what it means, ready to be filled in.

It is made from the settings models, so it cannot forget a key or describe one that is gone.
"""

from __future__ import annotations

import json
import textwrap
from datetime import date
from typing import TYPE_CHECKING, Any

from pipeline.campus.describe import Form, Key, default, keys
from pipeline.campus.settings import Campus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import BaseModel

WIDTH = 100
ONE_LINE = 100
MARK = "#"

HEAD = """
One campus.  Everything here is text that you may change; `bursar preview` shows what would go out, and sends nothing.

A key that need not be said has a # directly before it, and shows what counts without it, or an example where that is
nothing.  Take the # away to use it; in a table, also the one before the [name].  A key with ## may stand there only
in the place of the one above it.

Secrets never stand here.  A secret called alma_key is the environment variable BURSAR_ALMA_KEY, or the file
bursar_alma_key in the secrets folder, readable by you only (chmod 600).

A file may build on another one: base = "path/to/other.toml" as its first line.  Tables are then merged key by key,
everything else is replaced, and so is a table of another kind.
"""


def campus_file() -> str:
    """Give the text of a commented campus file that holds every key and loads as it is."""
    head = "\n\n".join(textwrap.fill(" ".join(part.split()), WIDTH + 18) for part in HEAD.strip().split("\n\n"))
    lines = [*_comment(head), "", *_table(Campus, "", live=True)]
    return "\n".join(lines) + "\n"


def _table(model: type[BaseModel], above: str, *, live: bool) -> Iterator[str]:
    """Plain values first, then the tables inside: TOML has no way back to the table above."""
    every = sorted(keys(model).values(), key=lambda key: (key.name != "kind", not key.field.is_required()))
    for key in every:
        if key.form is Form.VALUE:
            yield from _value(key, live=live)
    for key in every:
        if key.form is not Form.VALUE:
            yield from _tables(key, f"{above}{key.name}", live=live)


def _value(key: Key, *, live: bool) -> Iterator[str]:
    yield from _comment(key.field.description or "")
    used = live and _live(key)
    shown = _shown(key, used=used)
    written = f"{key.name} = {_toml(shown)}"
    if len(written) > ONE_LINE:
        written = f"{key.name} = {_toml_lines(shown)}"
    mark = MARK + MARK if _says(key, "otherwise") else "" if used else MARK
    yield from (mark + line for line in written.split("\n"))


def _tables(key: Key, place: str, *, live: bool) -> Iterator[str]:
    live = live and _live(key)
    names = key.field.examples or [""]
    opening = {Form.TABLE: "[{place}]", Form.NAMED: "[{place}.{name}]", Form.LIST: "[[{place}]]"}[key.form]
    for number, model in enumerate(key.models):
        inside = f"{place}.{names[number]}" if key.form is Form.NAMED else place
        yield ""
        yield from _comment(key.field.description or "" if number == 0 else "")
        if len(key.models) > 1:
            yield from _comment(f"{model.__doc__}")
        # Only the first of several kinds is in use: the others show what else there is.
        used = live and number == 0
        yield ("" if used else MARK) + opening.format(place=place, name=names[number])
        yield from _table(model, f"{inside}.", live=used)


def _live(key: Key) -> bool:
    """Whether a key is in use in the file as written: those that must be said, and those the settings mark."""
    return key.field.is_required() or _says(key, "live")


def _says(key: Key, what: str) -> bool:
    extra = key.field.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get(what))


def _shown(key: Key, *, used: bool) -> Any:  # noqa: ANN401 - a setting may be of any type
    """What stands behind a key: its example if it is in use or nothing counts without it; else what does."""
    if key.field.examples and (used or default(key) is None):
        return key.field.examples[0]
    return key.field.get_default(call_default_factory=True)


def _comment(text: str) -> Iterator[str]:
    for line in text.split("\n") if text else ():
        yield from (f"# {part}".rstrip() for part in textwrap.wrap(line, WIDTH + 18) or [""])


def _toml(value: Any) -> str:  # noqa: ANN401
    """Write a value on one line."""
    if isinstance(value, dict):
        inside: Mapping[str, Any] = value
        return f"{{ {', '.join(f'{key} = {_toml(one)}' for key, one in inside.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(one) for one in value)}]"
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)


def _toml_lines(value: Any) -> str:  # noqa: ANN401
    """Write a list with one line for each of its items."""
    return "\n".join(["[", *(f"    {_toml(one)}," for one in value), "]"])
