"""A campus in shadow: real nights with a ledger of their own that change nothing outside and let nothing out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.campus.settings import FolderConnection
from pipeline.campus.sources import Arrival

if TYPE_CHECKING:
    from pipeline.campus.load import Loaded
    from pipeline.campus.settings import System
    from pipeline.campus.sources import AnySource

OUT = "shadow:out"
"""The connection that every system's files go to; no campus file can say it."""

FOR_ALMA = "for alma"
"""The folder of the files that Alma would import; no system can be called so."""


def shadowed(loaded: Loaded) -> Loaded:
    """Give the campus that a night runs with: a live one as it is.

    In shadow every system's files, and those for Alma's import, go to folders below the state folder of the shadow, and
    no file that was read is moved away: the live process, or the old one, still wants it.  The rest is as the campus
    says.
    """
    campus = loaded.campus
    if campus.mode != "shadow":
        return loaded
    people = campus.people and campus.people.model_copy(update={"processed": ""})
    said = {
        "connections": {**campus.connections, OUT: FolderConnection(kind="folder", path=str(loaded.state))},
        "sources": {name: _left_alone(source) for name, source in campus.sources.items()},
        "people": people,
        "systems": {name: _kept_in(name, system) for name, system in campus.systems.items()},
        "imports": campus.imports and campus.imports.model_copy(update={"connection": OUT, "folder": FOR_ALMA}),
    }
    return replace(loaded, campus=campus.model_copy(update=said))


def _left_alone(source: AnySource) -> AnySource:
    return source.model_copy(update={"processed": ""}) if isinstance(source, Arrival) else source


def _kept_in(name: str, system: System) -> System:
    returns = tuple(back.model_copy(update={"processed": ""}) for back in system.returns)
    return system.model_copy(update={"connection": OUT, "folder": name, "returns": returns})
