"""Names in a campus file that lead nowhere: no such connection, system, source, fee type or layout."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from pipeline.campus import carried, reach
from pipeline.campus.policy import EXCLUDED, HELD
from pipeline.campus.written import Part, Problem, tables
from pipeline.layouts.load import LayoutError, load
from pipeline.ports.states import Way

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from pipeline.layouts.model import Layout


def dangling(table: Mapping[str, Any], folder: Path) -> Iterator[Problem]:
    """List them all; parts of the file that are wrong in themselves are passed over, they are told elsewhere.

    ``folder`` is the campus's own, where layouts of its own may lie.
    """
    yield from _connections(table)
    yield from _alma(table)
    yield from _settled_in_alma(table)
    yield from _layouts(table, folder)
    yield from _systems(table)
    yield from _policy(table)
    yield from _labels(table)
    yield from reach.unreachable(table)
    yield from carried.uncarried(table, folder)


def _returns(table: Mapping[str, Any]) -> Iterator[tuple[Part, Mapping[str, Any]]]:
    for place, _ in tables(table, "systems"):
        yield from tables(table, *(str(part) for part in place), "returns")


def _connections(table: Mapping[str, Any]) -> Iterator[Problem]:
    known = {place[-1] for place, _ in tables(table, "connections")}
    own: list[tuple[Part, Mapping[str, Any]]] = [
        ((name,), one) for name in ("people", "imports") if isinstance(one := table.get(name), dict)
    ]
    for place, one in [*tables(table, "sources"), *tables(table, "systems"), *_returns(table), *own]:
        wanted = one.get("connection")
        if isinstance(wanted, str) and wanted not in known:
            yield Problem((*place, "connection"), f"there is no connection called {wanted!r}")


def _layouts(table: Mapping[str, Any], folder: Path) -> Iterator[Problem]:
    for place, system in tables(table, "systems"):
        layout, problems = _layout(place, system, folder)
        yield from problems
        if layout is not None and layout.scope:
            yield from _constants(place, system, layout)
            if system.get("reversals") is True and "reversal" not in layout.kinds:
                yield Problem((*place, "reversals"), f"{layout.name} has no file for a reversal")
        elif layout is not None:
            meant = "people" if layout.lists else "returns"
            yield Problem((*place, "layout"), f"{layout.name} is a layout of files that come back; name it in {meant}")
    for place, back in _returns(table):
        layout, problems = _layout(place, back, folder)
        yield from problems
        if layout is not None and not layout.repeats:
            yield Problem((*place, "layout"), f"{layout.name} is no layout of payments that come back")
    yield from _people(table, folder)


def _people(table: Mapping[str, Any], folder: Path) -> Iterator[Problem]:
    people = table.get("people")
    if not isinstance(people, dict):
        return
    layout, problems = _layout(("people",), people, folder)
    yield from problems
    if layout is not None and not layout.lists:
        yield Problem(("people", "layout"), f"{layout.name} is no layout of a file of people")
    if people.get("active") and not carried.people_say(table, "status", folder):
        yield Problem(("people", "active"), "its layout has no column for the status")


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
    for name in sorted(said - layout.settings - layout.options):
        yield Problem((*place, "constants", name), f"{layout.name} does not ask for it")


def _names(table: Mapping[str, Any], key: str) -> set[int | str]:
    return {place[-1] for place, _ in tables(table, key)}


def _systems(table: Mapping[str, Any]) -> Iterator[Problem]:
    """A system called ``held`` could not be told from a route that holds."""
    known = _names(table, "systems")
    for name in sorted(known & {HELD, EXCLUDED}):
        yield Problem(("systems", name), "is a word of routes already; call the system otherwise")
    for place, route in tables(table, "routes"):
        wanted = route.get("to")
        if isinstance(wanted, str) and wanted not in known | {HELD, EXCLUDED}:
            yield Problem((*place, "to"), f"there is no system called {wanted!r}")
    for place, _ in tables(table, "fee_types"):
        for code, _ in tables(table, *(str(part) for part in place), "codes"):
            if code[-1] not in known:
                yield Problem(code, f"there is no system called {code[-1]!r}")


def _policy(table: Mapping[str, Any]) -> Iterator[Problem]:
    """Names that rules on fees use: a rule on a name that nobody has would quietly never count."""
    systems, sources = _names(table, "systems"), _names(table, "sources")
    types = _names(table, "fee_types")
    for place, rule in [*tables(table, "routes"), *tables(table, "codes")]:
        yield from _known(place, rule, "fee_type", types, "fee type")
        yield from _known(place, rule, "source", sources, "source")
        yield from _known(place, rule, "system", systems, "system")
    people = table.get("people")
    scoped = [*tables(table, "waiting"), *([(("people",), people)] if isinstance(people, dict) else [])]
    for place, rule in scoped:
        yield from _known(place, rule, "systems", systems, "system")


def _known(
    place: Part, rule: Mapping[str, Any], key: str, known: Collection[int | str], noun: str
) -> Iterator[Problem]:
    said = rule.get(key)
    for name in said if isinstance(said, list) else [said]:
        if isinstance(name, str) and name not in known:
            yield Problem((*place, key), f"there is no {noun} called {name!r}")


def _alma(table: Mapping[str, Any]) -> Iterator[Problem]:
    """Alma's API is what an Analytics report is asked through, and where a fee of a report is looked up by its id."""
    for place, source in tables(table, "sources"):
        kind = source.get("kind")
        if kind == "analytics" and not isinstance(table.get("alma"), dict):
            yield Problem(place, "is asked for through Alma's API; add the table [alma]")
        if kind in ("analytics", "report") and isinstance(table.get("alma"), dict) and not source.get("patron_id_type"):
            yield Problem(
                (*place, "patron_id_type"), "is missing; payments are posted to Alma by the type of the patron's id"
            )


def _settled_in_alma(table: Mapping[str, Any]) -> Iterator[Problem]:
    """What an export has closed or transferred is settled one way, what a report only lists another."""
    way, imports = table.get("payments_to"), table.get("imports")
    if way == Way.IMPORT_FILE and not isinstance(imports, dict):
        yield Problem(("payments_to",), "is 'import_file'; say where the files go in a table [imports]")
    for place, source in tables(table, "sources"):
        if way in (Way.IMPORT_FILE, Way.RECORD) and source.get("kind") in ("report", "analytics"):
            yield Problem(
                ("payments_to",),
                f"is {way!r}, which settles fees that Alma has exported; those of the report {place[-1]} stay open in "
                "Alma until they are paid there: only 'api' can do that",
            )
        if isinstance(imports, dict) and source.get("kind") == "alma_export" and _place(imports) == _place(source):
            yield Problem(
                ("imports", "folder"), f"is that of the exports of {place[-1]}: our own file would be read as an export"
            )

    exports = [place for place, source in tables(table, "sources") if source.get("kind") == "alma_export"]
    if isinstance(imports, dict) and len(exports) > 1 and "{source}" not in str(imports.get("name", "{source}")):
        yield Problem(("imports", "name"), "needs {source}: there are several, and no two files may have one name")


def _place(one: Mapping[str, Any]) -> tuple[Any, str]:
    return one.get("connection"), posixpath.normpath(str(one.get("folder", ".")))


def _labels(table: Mapping[str, Any]) -> Iterator[Problem]:
    """One word for two fee types would be a guess at what somebody owes."""
    first: dict[str, Part] = {}
    for place, kind in tables(table, "fee_types"):
        said = kind.get("labels")
        words = [word for word in said if isinstance(word, str)] if isinstance(said, list) else []
        for word in dict.fromkeys(" ".join(text.split()).casefold() for text in (*words, str(place[-1]))):
            if word in first:
                yield Problem((*place, "labels"), f"{word!r} means {first[word][-1]} already")
            first.setdefault(word, place)
