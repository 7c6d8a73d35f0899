"""Names in a campus file that lead nowhere: no such connection, system or layout, or a route that is never reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.campus.written import Problem
from pipeline.layouts.load import LayoutError, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pipeline.layouts.model import Layout

Part = tuple[int | str, ...]


def dangling(table: Mapping[str, Any], folder: Path) -> Iterator[Problem]:
    """List them all; parts of the file that are wrong in themselves are passed over, they are told elsewhere.

    ``folder`` is the campus's own, where layouts of its own may lie.
    """
    yield from _connections(table)
    yield from _layouts(table, folder)
    yield from _routes(table)
    yield from _codes(table)


def _tables(table: Mapping[str, Any], *parts: str) -> Iterator[tuple[Part, Mapping[str, Any]]]:
    """Give the tables below a key with their places: those of a list, and those that have names."""
    value: object = table
    for part in parts:
        value = value.get(part) if isinstance(value, dict) else None
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    yield from (((*parts, name), one) for name, one in pairs if isinstance(one, dict))


def _returns(table: Mapping[str, Any]) -> Iterator[tuple[Part, Mapping[str, Any]]]:
    for place, _ in _tables(table, "systems"):
        yield from _tables(table, *(str(part) for part in place), "returns")


def _connections(table: Mapping[str, Any]) -> Iterator[Problem]:
    known = {place[-1] for place, _ in _tables(table, "connections")}
    for place, one in [*_tables(table, "sources"), *_tables(table, "systems"), *_returns(table)]:
        wanted = one.get("connection")
        if isinstance(wanted, str) and wanted not in known:
            yield Problem((*place, "connection"), f"there is no connection called {wanted!r}")


def _layouts(table: Mapping[str, Any], folder: Path) -> Iterator[Problem]:
    for place, system in _tables(table, "systems"):
        layout, problems = _layout(place, system, folder)
        yield from problems
        if layout is not None and layout.scope:
            yield from _constants(place, system, layout)
        elif layout is not None:
            yield Problem((*place, "layout"), f"{layout.name} is a layout of files that come back; name it in returns")
    for place, back in _returns(table):
        layout, problems = _layout(place, back, folder)
        yield from problems
        if layout is not None and layout.scope:
            yield Problem((*place, "layout"), f"{layout.name} is a layout of files that we send")


def _layout(place: Part, one: Mapping[str, Any], folder: Path) -> tuple[Layout | None, list[Problem]]:
    name = one.get("layout")
    if not isinstance(name, str):
        return None, []
    try:
        return load(name, folder), []
    except LayoutError as error:
        return None, [Problem((*place, "layout"), problem) for problem in error.problems]


def _constants(place: Part, system: Mapping[str, Any], layout: Layout) -> Iterator[Problem]:
    """A value that is missing would stop every file; one nobody asks for may be a misspelling of one that is."""
    constants = system.get("constants", {})
    said = set(constants) if isinstance(constants, dict) else layout.settings
    for name in sorted(layout.settings - said):
        yield Problem((*place, "constants"), f"{layout.name} asks for {name}")
    for name in sorted(said - layout.settings):
        yield Problem((*place, "constants", name), f"{layout.name} does not ask for it")


def _routes(table: Mapping[str, Any]) -> Iterator[Problem]:
    systems = {place[-1] for place, _ in _tables(table, "systems")}
    everybody = ""
    for place, route in _tables(table, "routes"):
        wanted = route.get("to")
        if isinstance(wanted, str) and wanted not in systems:
            yield Problem((*place, "to"), f"there is no system called {wanted!r}")
        if everybody:
            yield Problem(place, f"is never reached: {everybody} takes everybody; put that one last")
        elif not route.get("id_type") and not route.get("id_shape"):
            everybody = f"routes[{int(place[-1]) + 1}]"


def _codes(table: Mapping[str, Any]) -> Iterator[Problem]:
    systems = {place[-1] for place, _ in _tables(table, "systems")}
    for place, _ in _tables(table, "fee_types"):
        for code, _ in _tables(table, *(str(part) for part in place), "codes"):
            if code[-1] not in systems:
                yield Problem(code, f"there is no system called {code[-1]!r}")
