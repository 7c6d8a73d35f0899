"""Where the command line takes the real things from: clock, ledger, folders and servers, Alma, a second opinion."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipeline import files
from pipeline.adapters.places import OnlyRead
from pipeline.campus.settings import FolderConnection
from pipeline.campus.sources import AnalyticsReport
from pipeline.cli.books import clock
from pipeline.cli.shadow import OUT, shadowed
from pipeline.flow.runner import Outside
from pipeline.ports.outside import Refused
from pipeline.stages.feeds import ANALYTICS

if TYPE_CHECKING:
    from datetime import date

    from pipeline.adapters.alma import AlmaHttp
    from pipeline.adapters.alma_line import AlmaSettings
    from pipeline.adapters.pace import Pace
    from pipeline.campus.load import Loaded
    from pipeline.ports.outside import FeeReport, Mailer, Place, SecondOpinion

REPORT_S = 300.0
"""Seconds that Analytics may think about a page before it is asked again."""


def give_memory_back() -> None:
    """Let tables be freed to the system at once: the default pool keeps a third more than a night ever uses."""
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())


def today_at(loaded: Loaded) -> date:
    """Give the calendar day at the campus."""
    return clock().now().astimezone(ZoneInfo(loaded.campus.time_zone)).date()


@dataclass
class Places:
    """The folders outside that a run has open, one connection each; ``pace`` is that of all calls to Alma.

    In shadow what lies outside is only read, and what goes out stays in the folders of the shadow.
    """

    loaded: Loaded
    pace: Pace | None = None
    opened: dict[tuple[str, str], Place] = field(default_factory=dict)

    def place(self, connection: str, folder: str) -> Place:
        """Give a folder at one of the campus's connections, or an Analytics report as a place with one file."""
        key = (connection, folder)
        if key not in self.opened:
            self.opened[key] = self._at(connection, folder)
        return self.opened[key]

    def _at(self, connection: str, folder: str) -> Place:
        if connection.startswith(ANALYTICS):
            return self._report(connection.removeprefix(ANALYTICS))
        if connection == OUT:
            files.private_folder(self.loaded.state / folder)
            return self._open(connection, folder)
        place = self._open(connection, folder)
        return OnlyRead(place) if self.loaded.campus.mode == "shadow" else place

    def _report(self, name: str) -> Place:
        from pipeline.adapters.analytics import AnalyticsPlace, SavedReport

        source = self.loaded.campus.sources[name]
        if self.pace is None or not isinstance(source, AnalyticsReport):
            message = f"sources.{name}: a report of Analytics needs the alma table in the campus file"
            raise Refused(message, scope="system")
        report = SavedReport(name, source.path, source.filter, source.limit)
        settings = replace(alma_settings(self.loaded), read_s=REPORT_S)
        return AnalyticsPlace(settings, self.pace, report, today_at(self.loaded), clock())

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
    loaded = shadowed(loaded)
    pace = _pace(loaded, stack)
    places = Places(loaded, pace)
    stack.callback(places.close)
    opinion = stack.enter_context(second_opinion())
    alma = _alma(loaded, pace, stack)
    return Outside(clock(), places.place, alma, opinion, _mail(loaded), _report(loaded, alma))


def _pace(loaded: Loaded, stack: contextlib.ExitStack) -> Pace | None:
    """One pace and one day's quota for everything that is asked of Alma; None where she is not asked at all."""
    from pipeline.adapters.pace import Pace
    from pipeline.adapters.quota import Quota

    settings = loaded.campus.alma
    if settings is None:
        return None
    quota = Quota(loaded.state / "alma_calls", settings.daily) if settings.daily else None
    if quota is not None:
        stack.callback(quota.close)
    return Pace(settings.rate, clock(), quota)


def _alma(loaded: Loaded, pace: Pace | None, stack: contextlib.ExitStack) -> AlmaHttp | None:
    """In shadow nobody pays, so nobody is given the calls that could."""
    if pace is None or loaded.campus.mode == "shadow":
        return None
    from pipeline.adapters.alma import AlmaHttp

    return stack.enter_context(AlmaHttp(alma_settings(loaded), pace))


def _report(loaded: Loaded, alma: AlmaHttp | None) -> FeeReport | None:
    """The report of payments, on the line of those who pay, where the campus says that the key may read it."""
    if alma is None or loaded.campus.alma is None or not loaded.campus.alma.fee_report:
        return None
    from pipeline.adapters.alma_report import AlmaReport

    return AlmaReport(alma.line)


def _mail(loaded: Loaded) -> Mailer | None:
    """In shadow nothing is let out, and mail neither."""
    settings = loaded.campus.mail
    if settings is None or loaded.campus.mode == "shadow":
        return None
    from pipeline.adapters.mail import MailSettings, SmtpMailer

    password = loaded.secrets.get(settings.secret)
    return SmtpMailer(MailSettings(settings.host, settings.port, settings.security, settings.user, password))


def alma_settings(loaded: Loaded) -> AlmaSettings:
    """Say where Alma answers, and with which key.  Raises Refused where the campus file says nothing of her."""
    from pipeline.adapters.alma_line import AlmaSettings

    settings = loaded.campus.alma
    if settings is None:
        message = "the campus file has no alma table"
        raise Refused(message, scope="system")
    key = loaded.secrets[settings.secret].get_secret_value()
    return AlmaSettings(settings.url, key, settings.reserve)


def second_opinion() -> contextlib.AbstractContextManager[SecondOpinion]:
    """Start Great Expectations in a process of its own."""
    from pipeline.adapters.expectations import GreatExpectations

    return GreatExpectations()
