"""The parts of the pages that say what the code says: made from the code, and written again by one command.

    .venv/bin/python -m tests.drift.generated

A part stands between two comments, ``<!-- begin NAME -->`` and ``<!-- end NAME -->``; ``test_docs`` compares it.
"""

from __future__ import annotations

import ast
import dataclasses
import json
import re
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.main import get_command

from pipeline import nightly
from pipeline.campus.describe import Form, Key, default, keys, tag
from pipeline.campus.settings import Campus
from pipeline.cli.app import app
from pipeline.findings import Level, catalogue
from pipeline.layouts.load import load, names
from pipeline.sandbox.records import Switches
from tests.drift.layers import ORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pydantic import BaseModel

    from pipeline.layouts.model import Layout

TOP = Path(__file__).parents[2]
PAGES = ("README.md", "docs/campus.md", "docs/layouts.md", "docs/operations.md", "docs/alma.md")
PART = re.compile(r"(?P<begin><!-- begin (?P<name>[a-z-]+) -->\n).*?(?P<end><!-- end (?P=name) -->)", re.DOTALL)

Row = tuple[str, ...]


def plan() -> str:
    """The night, as ``bursar plan`` prints it."""
    return f"```\n{nightly.plan_text().rstrip()}\n```\n"


def commands() -> str:
    """Every command of the command line, with all it takes."""
    return _table(("command", "what it does"), [(f"`{line}`", _tidy(what)) for line, what, _ in _commands()])


def options() -> str:
    """Every option, once for each of its meanings."""
    told = dict.fromkeys((f"`{option}`", _tidy(what)) for _, _, options in _commands() for option, what in options)
    return _table(("option", "meaning"), list(told))


def rooms() -> str:
    """The rooms of the house from the top down, with the first sentence of each."""
    rows = [(str(number), f"`{room}`", _first(room)) for number, floor in enumerate(ORDER, 1) for room in floor]
    return _table(("floor", "room", "what it is for"), rows)


def settings() -> str:
    """Every key of a campus file."""
    rows = [
        (f"`{place}`", _may_be_left_out(key), _tidy(f"{key.field.description}{kind}"))
        for place, kind, key in _keys(Campus, "", "")
    ]
    return _table(("key", "if it is left out", "meaning"), rows)


def layouts() -> str:
    """Every layout there is, with what it asks of a campus."""
    return _table(
        ("layout", "what it is", "kinds", "asks for", "may be given"), [_layout(load(name)) for name in names()]
    )


def _layout(layout: Layout) -> Row:
    kinds = ", ".join(sorted(layout.kinds)) or ("read only" if layout.lists else "comes back")
    asked, may = (", ".join(f"`{name}`" for name in sorted(which)) for which in (layout.settings, layout.options))
    minus = sorted({kind for line in layout.lines() for column in line.columns for kind in column.negative})
    signed = f" (minus sign for {' and '.join(minus)})" if minus else ""
    return f"`{layout.name}`", layout.facts.title + signed, kinds, asked, may


def switches() -> str:
    """Every switch of the sandbox's Alma."""
    said = dict(re.findall(r"``(\w+)``: (.*?)(?=\s+``\w+``:|\s*\Z)", str(Switches.__doc__), re.DOTALL))
    hints = typing.get_type_hints(Switches)
    rows = [
        (f"`{one.name}`", _values(hints[one.name]), f"`{_toml(one.default)}`", _tidy(said[one.name]))
        for one in dataclasses.fields(Switches)
    ]
    return _table(("switch", "values", "as shipped", "meaning"), rows)


def findings(level: Level) -> str:
    """Every finding of one level, with what to do about it."""
    rows = [
        (f"`{entry.code}`", str(entry.scope), entry.means, entry.do)
        for entry in catalogue().values()
        if entry.level is level
    ]
    return _table(("code", "touches", "what it means", "what to do"), sorted(rows))


PARTS: Mapping[str, Callable[[], str]] = {
    "plan": plan,
    "commands": commands,
    "options": options,
    "rooms": rooms,
    "settings": settings,
    "layouts": layouts,
    "switches": switches,
    "stops": lambda: findings(Level.STOP),
    "holds": lambda: findings(Level.HOLD),
    "notes": lambda: findings(Level.NOTE),
}


def renewed(text: str) -> str:
    """Give a page with every part written anew; a part that nobody makes raises KeyError."""
    return PART.sub(lambda part: f"{part['begin']}{PARTS[part['name']]()}{part['end']}", text)


def _table(head: Row, rows: Sequence[Row]) -> str:
    cells = [" | ".join(cell.replace("|", r"\|") for cell in row) for row in (head, ("---",) * len(head), *rows)]
    return "".join(f"| {line} |\n" for line in cells)


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _commands() -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    yield from _below(get_command(app), "bursar")


def _below(command: Any, name: str) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    inner: Mapping[str, Any] = getattr(command, "commands", {})
    if not inner or command.invoke_without_command:
        usage = " ".join([name, *(_usage(one) for one in command.params)])
        told = [(_option(one), one.help) for one in command.params if one.param_type_name == "option"]
        yield usage, command.help, told
    for word, one in inner.items():
        yield from _below(one, f"{name} {word}")


def _usage(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        shown = parameter.name.upper() + ("..." if parameter.nargs == -1 else "")
    else:
        shown = _option(parameter)
    return shown if parameter.required else f"[{shown}]" + ("..." if parameter.multiple else "")


def _option(parameter: Any) -> str:
    if parameter.is_flag:
        return "/".join([*parameter.opts, *parameter.secondary_opts])
    return f"{parameter.opts[0]} {parameter.metavar or parameter.name.upper()}"


def _first(room: str) -> str:
    folder = TOP / "pipeline" / room
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    return _tidy((ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n\n")[0])


def _keys(model: type[BaseModel], above: str, kind: str) -> Iterator[tuple[str, str, Key]]:
    for key in keys(model).values():
        ending = {Form.VALUE: "", Form.TABLE: "", Form.NAMED: ".NAME", Form.LIST: "[]"}[key.form]
        yield f"{above}{key.name}", kind, key
        for inner in key.models:
            of = f" ({tag(inner)} only)" if len(key.models) > 1 else ""
            yield from _keys(inner, f"{above}{key.name}{ending}.", of)


def _may_be_left_out(key: Key) -> str:
    if key.field.is_required():
        return "must be there"
    counts = default(key)
    return "nothing" if counts is None else f"`{_toml(counts)}`"


def _values(hint: Any) -> str:
    if typing.get_origin(hint) is typing.Literal:
        return ", ".join(f"`{one}`" for one in typing.get_args(hint))
    return {bool: "`true`, `false`", int: "a whole number", str: "text"}[hint]


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def main() -> None:
    """Write every part of every page anew."""
    for page in PAGES:
        path = TOP / page
        path.write_text(renewed(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
