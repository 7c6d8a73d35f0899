"""Ask Alma Analytics for a saved report, all of its pages or nothing, and offer it as one file to be picked up."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import quote, urlencode

from pipeline import files
from pipeline.adapters.alma_answer import trouble
from pipeline.adapters.alma_line import BREATH_S, client
from pipeline.adapters.alma_verdict import OK, TOO_MANY, of_question
from pipeline.adapters.analytics_page import Page, page_of
from pipeline.adapters.places import BLOCK, Missing, plain
from pipeline.ports.outside import Busy, Listed, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path
    from typing import BinaryIO

    import httpx2

    from pipeline.adapters.alma_line import AlmaSettings
    from pipeline.adapters.pace import Pace
    from pipeline.ports.outside import Clock

CALL = "/almaws/v1/analytics/reports"
HEAD = 4096
DENIED = re.compile(rb"access denied|shared folder", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SavedReport:
    """A report in Analytics: our ``source`` it is for, its path there, a filter (XML on one line), rows a page."""

    source: str
    path: str
    filter: str = ""
    limit: int = 1000


@dataclass(frozen=True, slots=True)
class Bounds:
    """More than this is no report: bytes of one page, bytes of all, pages."""

    page_bytes: int = 64 << 20
    all_bytes: int = 4 << 30
    pages: int = 5000


class AnalyticsPlace:
    """ports.outside.Place with one file, ``<source>_<YYYYMMDD>.xml``: ``pages``, in it every ``report`` as received.

    The first look asks for the whole report, once; until every page is there, there is no file.  ``day`` is the day at
    the campus.  The same report asked for again on that day has the same bytes.  The report cannot be changed here.
    """

    def __init__(
        self,
        settings: AlmaSettings,
        pace: Pace,
        report: SavedReport,
        day: date,
        clock: Clock,
        bounds: Bounds | None = None,
    ) -> None:
        """Nothing is asked before the first look."""
        self._settings = settings
        self._pace = pace
        self._report = report
        self._clock = clock
        self._bounds = bounds or Bounds()
        self._name = f"{report.source}_{day:%Y%m%d}.xml"
        self._remaining: int | None = None
        self._whole: BinaryIO | None = None
        self._listed: Listed | None = None

    def list(self) -> Sequence[Listed]:
        """Give the one file.  Raises Busy or Refused, and then nothing of the report is offered."""
        if self._listed is None:
            self._whole = self._download()
            size = self._whole.seek(0, os.SEEK_END)
            self._listed = Listed(self._name, size, self._clock.now().timestamp())
        return [self._listed]

    def size(self, name: str) -> int | None:
        """Give its size in bytes; None for any other name."""
        return self.list()[0].size if plain(name) == self._name else None

    def read(self, name: str) -> bytes:
        """Give all of it."""
        return b"".join(self._blocks(name))

    def fetch(self, name: str, to: Path) -> int:
        """Copy it into a new local file (0600); return the bytes copied."""
        files.publish(to, self._blocks(name))
        return to.stat().st_size

    def write_new(self, name: str, path: Path) -> None:
        """Refuse: a report is only read."""
        _only_read(f"{path.name} as {name}")

    def rename(self, old: str, new: str) -> None:
        """Refuse: a report is only read."""
        _only_read(f"{old} to {new}")

    def remove(self, name: str) -> None:
        """Refuse: a report is only read."""
        _only_read(name)

    def close(self) -> None:
        """Forget the report; it lay in a file that nobody else could see."""
        if self._whole is not None:
            self._whole.close()
        self._whole = self._listed = None

    def _blocks(self, name: str) -> Iterator[bytes]:
        if self.size(name) is None or self._whole is None:
            message = f"{name}: there is no such report"
            raise Missing(message)
        self._whole.seek(0)
        while block := self._whole.read(BLOCK):
            yield block

    def _download(self) -> BinaryIO:
        whole = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as this place
        try:
            whole.write(b"<pages>\n")
            with client(self._settings, "application/xml") as http:
                for page in self._pages(http):
                    whole.write(page.report + b"\n")
                    if whole.tell() > self._bounds.all_bytes:
                        _too_large(f"more than {self._bounds.all_bytes} bytes")
            whole.write(b"</pages>\n")
        except BaseException:
            whole.close()
            raise
        return whole

    def _pages(self, http: httpx2.Client) -> Iterator[Page]:
        """The first answer alone has the token, and the same one serves until the last."""
        page = self._page(http, {"path": self._report.path, **self._filtered()})
        yield page
        token = page.token
        for _ in range(1, self._bounds.pages):
            if page.finished:
                return
            if not token:
                message = "Analytics says that more follows, and does not say how to ask for it"
                raise Busy(message)
            before, page = page, self._page(http, {"token": token})
            if page.rows and page.report == before.report:
                message = "Analytics gave the same page twice: one is missing"
                raise Busy(message)
            yield page
        if not page.finished:
            _too_large(f"more than {self._bounds.pages} pages of {self._report.limit} rows")

    def _filtered(self) -> dict[str, str]:
        return {"filter": self._report.filter} if self._report.filter else {}

    def _page(self, http: httpx2.Client, what: Mapping[str, str]) -> Page:
        """The number of rows is said every time: of an answer to a token alone it would be 25."""
        self._mind_the_reserve()
        self._pace.slot()
        query = urlencode({**what, "limit": str(self._report.limit)}, quote_via=quote, safe="")
        status, kind, body = self._exchange(http, f"{self._settings.url.rstrip('/')}{CALL}?{query}")
        if status == TOO_MANY:
            self._pace.back_off(BREATH_S)
        if status not in OK or b"<report" not in body[:HEAD]:
            self._denied(status, body)
        of_question(status, body, "asking for a report")
        if "xml" not in kind.lower():
            message = f"Analytics answered {kind or 'nothing it names'!a} instead of XML ({trouble(body)})"
            raise Busy(message)
        return page_of(body)

    def _denied(self, status: int, body: bytes) -> None:
        """A report that nobody shared stays out of reach, however often it is asked for."""
        if DENIED.search(body):
            message = f"HTTP {status}: Analytics does not let us read {self._report.path}; save it in a shared folder"
            raise Refused(message, scope="system", code=next(iter(trouble(body).codes), str(status)))

    def _exchange(self, http: httpx2.Client, address: str) -> tuple[int, str, bytes]:
        """Send one question.  A lost answer to it may simply be asked for again."""
        import httpx2

        try:
            with http.stream("GET", address) as answer:
                body = self._body(answer)
                left = answer.headers.get("X-Exl-Api-Remaining", "")
                self._remaining = int(left) if left.isascii() and left.isdigit() else self._remaining
                return answer.status_code, answer.headers.get("Content-Type", ""), body
        except (httpx2.HTTPError, OSError) as error:
            message = f"the answer of Analytics did not come whole ({type(error).__name__})"
            raise Busy(message) from None

    def _body(self, answer: httpx2.Response) -> bytes:
        parts, size = [], 0
        for part in answer.iter_bytes():
            size += len(part)
            if size > self._bounds.page_bytes:
                _too_large(f"a page of more than {self._bounds.page_bytes} bytes")
            parts.append(part)
        return b"".join(parts)

    def _mind_the_reserve(self) -> None:
        if self._remaining is not None and self._remaining < self._settings.reserve:
            left, others = self._remaining, self._settings.reserve
            message = f"only {left} requests are left for today, and {others} are left to others"
            raise Refused(message, scope="system", code="API-RESERVE")


def _only_read(what: str) -> NoReturn:
    message = f"{what}: a report of Analytics is only read"
    raise Refused(message)


def _too_large(what: str) -> NoReturn:
    message = f"the report of Analytics has {what}; look whether it is the right one, and filter it"
    raise Refused(message, scope="system")
