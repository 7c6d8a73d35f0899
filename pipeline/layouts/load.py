"""Loading a layout file: all mistakes at once, each with its file, its place and what to do."""

from __future__ import annotations

import copy
import difflib
import functools
import re
import tomllib
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from pipeline import files
from pipeline.layouts.checks import Place, Spot, column_faults, name_faults, position_faults, rest_faults
from pipeline.layouts.file_checks import agreement_faults, file_faults
from pipeline.layouts.incoming import Closed, Incoming, KindRule, Records, References
from pipeline.layouts.model import Column, Control, Facts, Layout, Line, Outgoing, Reference
from pipeline.layouts.slots import spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

FOLDER = "schemas/layouts"
NAME = re.compile(r"[a-z][a-z0-9_-]*/[a-z][a-z0-9_-]*", re.ASCII)
LINES = ("header", "detail", "trailer")
Model = TypeVar("Model", bound=Closed)

TYPES = ("constrained", "literal[", "dict[", "str", "int")
"""How pydantic names the branches of a choice of types, which say nothing to people."""

KEYS = sorted(
    {
        field.alias or key
        for model in (Facts, Outgoing, Incoming, Reference, References, Records, KindRule, Control, Line, Column)
        for key, field in model.model_fields.items()
    }
)

STAND_IN: Mapping[str, Any] = {"title": "?", "encoding": "utf-8", "newline": "LF", "sign": "signed"}
"""What a wrong fact is taken for while the rest of the file is looked through for more mistakes."""


class LayoutError(Exception):
    """A layout that cannot be used.  ``problems`` names every mistake, place first, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Keep all the problems."""
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def load(name: str, campus_folder: Path | None = None) -> Layout:
    """Load a layout such as ``peoplesoft/default``, from the campus's own folder or from the product.

    Raises LayoutError with everything that is wrong with the file, or with the names there are.
    """
    text = _text(name, campus_folder)
    base = _parsed(name, text).get("like")
    return _made(name, text, None if base is None else _text(str(base), campus_folder))


@functools.lru_cache(maxsize=64)
def _made(name: str, text: str, base: str | None) -> Layout:
    """Make a layout of the texts of its files; a night asks for the same few many times."""
    raw = _parsed(name, text)
    return from_table(name, raw if base is None else _like(name, raw, _parsed(str(raw["like"]), base)))


def _text(name: str, campus_folder: Path | None) -> str:
    if NAME.fullmatch(name) is None:
        raise LayoutError([f"{name!r} is not the name of a layout; a name is such as peoplesoft/default"])
    try:
        path = files.resource(f"{FOLDER}/{name}.toml", campus_folder)
    except FileNotFoundError:
        raise LayoutError([f"{name}: no such layout; there are {', '.join(names(campus_folder))}"]) from None
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LayoutError([f"{name}.toml: cannot be read: {error}"]) from None


@functools.lru_cache(maxsize=64)
def _parsed(name: str, text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise LayoutError([f"{name}.toml: not TOML: {error}"]) from None


def _like(name: str, raw: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """Take another layout's columns with other facts: one file format, switched here and there by a campus."""
    own = {key: value for key, value in raw.items() if key != "like"}
    problems = [f"{key}: a layout that is like another has its lines" for key in LINES if key in own]
    if "like" in base:
        problems.append(f"like: {raw['like']} is itself like another; name that one")
    if problems:
        raise LayoutError([f"{name}.toml: {problem}" for problem in problems])
    parts = {key: {**base.get(key, {}), **value} for key, value in own.items() if isinstance(value, dict)}
    return {**base, **own, **parts}


def names(campus_folder: Path | None = None) -> list[str]:
    """List every layout there is, the campus's own and the product's, by name."""
    found = {
        path.relative_to(root / FOLDER).with_suffix("").as_posix()
        for root in files.resource_roots(campus_folder)
        for path in sorted((root / FOLDER).glob("*/*.toml"))
    }
    return sorted(found)


def check_all(campus_folder: Path | None = None) -> list[str]:
    """Load every layout there is and list what is wrong; an empty list is good."""
    problems: list[str] = []
    for name in names(campus_folder):
        try:
            load(name, campus_folder)
        except LayoutError as error:
            problems += error.problems
    return problems


def from_table(name: str, raw: Mapping[str, Any]) -> Layout:
    """Make a layout of a parsed TOML file.  Raises LayoutError with everything that is wrong."""
    raw = spread(raw)
    problems: list[str] = []
    facts = _facts({key: value for key, value in raw.items() if key not in LINES}, problems)
    between = str(raw.get("between", ""))
    lines = {line: _line(line, raw[line], facts, between, problems) for line in LINES if line in raw}
    columns = {line: [column for column in found if column] for line, found in lines.items()}
    if "detail" not in raw:
        problems.append("detail: is missing")
    if facts is not None:
        problems += file_faults(facts)
        if "detail" in raw and all(all(found) for found in lines.values()):
            problems += agreement_faults(facts, columns)
    if problems or facts is None:
        raise LayoutError([f"{name}.toml: {problem}" for problem in dict.fromkeys(problems)])
    made = {line: Line(bytes=raw[line].get("bytes"), columns=tuple(columns[line])) for line in columns}
    return Layout(name, facts, made["detail"], made.get("header"), made.get("trailer"))


def _facts(raw: dict[str, Any], problems: list[str]) -> Facts | None:
    """Facts that are wrong are reported and taken for something harmless, so that the lines are looked at as well."""
    facts = _valid(Facts, raw, "", problems)
    if facts is not None:
        return facts
    rest = copy.deepcopy(raw)
    try:
        Facts.model_validate(raw)
    except ValidationError as error:
        for fault in error.errors():
            _drop(rest, fault["loc"])
    try:
        return Facts.model_validate({**STAND_IN, **rest})
    except ValidationError:
        return None


def _drop(table: Any, place: Sequence[str | int]) -> None:  # noqa: ANN401 - any part of a TOML file
    """Take out what stands at a place, if there is such a place."""
    *path, last = place
    for step in path:
        table = table.get(step) if isinstance(table, dict) else None
    if isinstance(table, dict):
        table.pop(last, None)


def _line(
    line: str,
    raw: Any,  # noqa: ANN401 - whatever stands in the TOML file
    facts: Facts | None,
    between: str,
    problems: list[str],
) -> list[Column | None]:
    """Check every column by itself, and their positions also where a column is wrong in other ways."""
    table = raw if isinstance(raw, dict) else {}
    columns = table.get("columns")
    if not isinstance(columns, list) or not columns or not all(isinstance(one, dict) for one in columns):
        problems.append(f"{line}: needs columns, each as [[{line}.columns]] with a name")
        return []
    _valid(Line, {**table, "columns": [{"name": "any"}]}, line, problems)
    found = [
        _valid(Column, column, f"{line}.{column.get('name', number)}", problems)
        for number, column in enumerate(columns, start=1)
    ]
    sound = [column for column in found if column]
    if facts is not None:
        problems += [fault for column in sound for fault in column_faults(Spot(line, facts, column))]
        problems += _positions(line, table, facts, between)
    problems += name_faults(line, sound)
    return found


def _positions(line: str, table: Mapping[str, Any], facts: Facts, between: str) -> Iterator[str]:
    places = [Place(str(one.get("name")), one.get("width"), one.get("at")) for one in table["columns"]]
    size = table.get("bytes")
    if facts.format != "fixed":
        if size is not None:
            yield f"{line}: bytes: is for fixed layouts"
        yield from position_faults(line, places, between=None, size=None)
        return
    size = size if isinstance(size, int) else None
    yield from rest_faults(line, places, size)
    yield from position_faults(line, places, between=len(between), size=size)


def _valid(model: type[Model], raw: Mapping[str, Any], place: str, problems: list[str]) -> Model | None:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problems += _explained(error, place)
        return None


def _explained(error: ValidationError, place: str) -> Iterator[str]:
    for fault in error.errors():
        parts = [str(part) for part in fault["loc"] if not str(part).startswith(TYPES)]
        where = ".".join([*([place] if place else []), *parts])
        text = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            near = difflib.get_close_matches(parts[-1], KEYS, n=1)
            text = f"unknown key{f'; did you mean {near[0]}?' if near else ''}"
        elif fault["type"] == "missing":
            text = "is missing"
        elif isinstance(fault["input"], str | int | float | bool):
            text = f"{text} (it says {fault['input']!r})"
        yield f"{where}: {text}"
