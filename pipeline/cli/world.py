"""Where the command line takes the real things from: clock, ledger, folders and servers, Alma, a second opinion."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipeline.campus.settings import FolderConnection
from pipeline.cli.books import clock
from pipeline.flow.runner import Outside

if TYPE_CHECKING:
    from datetime import date

    from pipeline.campus.load import Loaded
    from pipeline.ports.outside import AlmaFees, Place, SecondOpinion


def give_memory_back() -> None:
    """Let tables be freed to the system at once: the default pool keeps a third more than a night ever uses."""
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())


def today_at(loaded: Loaded) -> date:
    """Give the calendar day at the campus."""
    return clock().now().astimezone(ZoneInfo(loaded.campus.time_zone)).date()


@dataclass
class Places:
    """The folders outside that a run has open, one connection each."""

    loaded: Loaded
    opened: dict[tuple[str, str], Place] = field(default_factory=dict)

    def place(self, connection: str, folder: str) -> Place:
        """Give a folder at one of the campus's connections."""
        key = (connection, folder)
        if key not in self.opened:
            self.opened[key] = self._open(connection, folder)
        return self.opened[key]

    def _open(self, connection: str, folder: str) -> Place:
        settings = self.loaded.campus.connections[connection]
        if isinstance(settings, FolderConnection):
            from pipeline.adapters.folder import FolderPlace

            return FolderPlace(self.loaded.path(settings.path) / folder)
        from pipeline.adapters.sftp import SftpPlace, SftpSettings

        password = self.loaded.secrets.get(settings.secret)
        return SftpPlace(
            SftpSettings(
                host=settings.host,
                port=settings.port,
                user=settings.user,
                host_key=settings.host_key,
                key_file=str(self.loaded.path(settings.key_file)) if settings.key_file else "",
                password=password,
            ),
            folder,
        )

    def close(self) -> None:
        """Hang up everywhere."""
        for place in self.opened.values():
            with contextlib.suppress(AttributeError):
                place.close()  # type: ignore[attr-defined]


def outside_of(loaded: Loaded, stack: contextlib.ExitStack) -> Outside:
    """Gather the real world of a campus; ``stack`` closes it."""
    give_memory_back()
    places = Places(loaded)
    stack.callback(places.close)
    opinion = stack.enter_context(second_opinion())
    return Outside(clock(), places.place, _alma(loaded, stack), opinion)


def _alma(loaded: Loaded, stack: contextlib.ExitStack) -> AlmaFees | None:
    if loaded.campus.alma is None:
        return None
    from pipeline.adapters.alma import AlmaHttp, AlmaSettings
    from pipeline.adapters.pace import Pace

    settings = loaded.campus.alma
    key = loaded.secrets[settings.secret].get_secret_value()
    alma = AlmaHttp(AlmaSettings(settings.url, key, settings.reserve), Pace(settings.rate, clock()))
    return stack.enter_context(alma)


def second_opinion() -> contextlib.AbstractContextManager[SecondOpinion]:
    """Start Great Expectations in a process of its own."""
    from pipeline.adapters.expectations import GreatExpectations

    return GreatExpectations()
