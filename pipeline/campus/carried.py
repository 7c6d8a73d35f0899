"""Rules on what a source does not say: they would never fit, and nobody would see why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.campus.policy import People
from pipeline.campus.sources import AlmaExport
from pipeline.campus.written import Part, Problem, tables
from pipeline.layouts.load import LayoutError, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pipeline.campus.settings import Campus
    from pipeline.campus.sources import AnySource

EXPORT = frozenset({"id_type", "id_shape", "fee_type", "owner", "source", "title", "comment", "patron_name"})
"""What an export of Alma says of a fee."""

REPORTS = ("report", "analytics")
NAMES = {"user_group": "user group", "owner": "owning library", "id_type": "type of the patron's id"}


def uncarried(table: Mapping[str, Any], folder: Path) -> Iterator[Problem]:
    """Name every rule on a column that one of its sources does not carry, and every column that cannot be kept.

    ``folder`` is the campus's own, where layouts of its own may lie.
    """
    sources = {str(place[-1]): source for place, source in tables(table, "sources")}
    group = people_say(table, "group", folder)
    for place, route in tables(table, "routes"):
        meant = _meant(route, sources)
        for key in ("id_type", "owner", "user_group"):
            if route.get(key) and not (key == "user_group" and group):
                yield from _silent((*place, key), key, meant)
    for place, rule in tables(table, "codes"):
        if rule.get("owner"):
            yield from _silent((*place, "owner"), "owner", sources)
    for place, source in tables(table, "sources"):
        yield from _kept(place, source)


def says(source: Mapping[str, Any], column: str) -> bool:
    """Say whether a source carries a column; one that is wrong in itself gets the benefit of the doubt."""
    kind = source.get("kind")
    if kind == "alma_export":
        return column in EXPORT
    if kind not in REPORTS:
        return True
    if column == "id_type":
        return bool(source.get("patron_id_type"))
    columns = source.get("columns")
    return bool(columns.get(column)) if isinstance(columns, dict) else True


def _silent(place: Part, column: str, sources: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    for name, source in sources.items():
        if not says(source, column):
            more = ", or add [people] with it" if column == "user_group" else ""
            yield Problem(place, f"source {name} does not say the {NAMES[column]}; {_remedy(source, column)}{more}")


def _remedy(source: Mapping[str, Any], column: str) -> str:
    if source.get("kind") == "alma_export":
        return "name the sources the rule is for"
    return "give patron_id_type there" if column == "id_type" else f"name its heading in columns.{column}"


def _meant(route: Mapping[str, Any], sources: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    said = route.get("source")
    wanted = said if isinstance(said, list) and said else list(sources)
    return {name: source for name, source in sources.items() if name in wanted}


def people_say(table: Mapping[str, Any], column: str, folder: Path) -> bool:
    """Say whether there is a people file whose layout has a column; a layout that is wrong is told elsewhere."""
    people = table.get("people")
    if not isinstance(people, dict):
        return False
    try:
        return column in load(str(people.get("layout", People.model_fields["layout"].default)), folder).sources
    except LayoutError:
        return True


def with_names(campus: Campus, folder: Path) -> Campus:
    """Have every source that says names keep them, where a people file has names to compare them with.

    A name that is not kept would be compared with nothing, and a stranger billed.
    """
    if campus.people is None or "name" not in load(campus.people.layout, folder).sources:
        return campus
    sources = {name: _with_name(source) for name, source in campus.sources.items()}
    return campus.model_copy(update={"sources": sources})


def _with_name(source: AnySource) -> AnySource:
    said = isinstance(source, AlmaExport) or bool(source.columns.patron_name)
    if not said or "patron_name" in source.keep:
        return source
    return source.model_copy(update={"keep": (*source.keep, "patron_name")})


def _kept(place: Part, source: Mapping[str, Any]) -> Iterator[Problem]:
    kept = source.get("keep")
    for column in kept if isinstance(kept, list) else ():
        if isinstance(column, str) and column in ("title", "comment", "patron_name") and not says(source, column):
            yield Problem((*place, "keep"), f"there is no heading for it; name one in columns.{column}")
