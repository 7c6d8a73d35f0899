"""Analytics reports of the box: pages of rows as Alma's Analytics interface hands them out, with its traps."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from pipeline.money import dollars
from pipeline.sandbox.records import ACTIVE, AlmaError
from pipeline.sandbox.shapes import TYPE_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.sandbox.world import World

ROWSET = "urn:schemas-microsoft-com:xml-analysis:rowset"
STEP = 25
MOST = 1000


@dataclass(frozen=True, slots=True)
class Heading:
    """One column as the report's author named it."""

    name: str
    table: str = "Fines and Fees Transactions"
    kind: str = "string"


@dataclass(frozen=True, slots=True)
class Report:
    """A saved report: its columns, and rows of cells; an empty cell (None) is left out of the answer altogether."""

    headings: tuple[Heading, ...]
    rows: tuple[tuple[str | None, ...], ...]


FEE_HEADINGS = (
    Heading("Fine Fee Id"),
    Heading("Fine Fee Type"),
    Heading("Fine Fee Status"),
    Heading("Primary Identifier", "User Details"),
    Heading("Fine Fee Creation Date", kind="date"),
    Heading("Remaining Amount", kind="double"),
    Heading("Barcode", "Physical Item Details"),
    Heading("Original Amount", kind="double"),
)


def active_fees(world: World) -> Report:
    """Report the active fees of this moment: labels for codes, ``-1`` where a fee has no item, as Analytics does."""
    rows = tuple(
        (
            fee.fee_id,
            TYPE_NAMES.get(fee.kind),
            "Active",
            fee.primary_id,
            fee.creation_time[:10],
            dollars(fee.balance_cents),
            fee.barcode or "-1",
            dollars(fee.original_cents),
        )
        for fee in world.fees.values()
        if fee.status == ACTIVE
    )
    return Report(FEE_HEADINGS, rows)


@dataclass
class Analytics:
    """The reports saved in shared folders, by path, and where each reader has got to.

    One that is a function is made anew for each reader, who then reads that one to its end: a report of what the world
    holds just now.
    """

    reports: dict[str, Report | Callable[[], Report]] = field(default_factory=dict)
    _readers: dict[str, tuple[Report, int]] = field(default_factory=dict)

    def page(self, query: Mapping[str, str]) -> str:
        """Give the next page as XML.

        Only a first page shows the token and the headings; the same token serves until ``IsFinished`` is true, and a
        report of one page has none.  Raises AlmaError for a path or token that leads nowhere, and for a filter.
        """
        if query.get("filter"):
            code = "402119"
            raise AlmaError(code, "General error: the Analytics of the box knows no filters.")
        token = query.get("token", "")
        report, start = self._place(query.get("path", ""), token)
        end = start + page_size(query.get("limit", ""))
        finished = end >= len(report.rows)
        if token:
            self._readers[token] = (report, end)
        shown = "" if token or finished else self._new_reader(report, end)
        headings = _headings(report, named=query.get("col_names", "true") == "true") if start == 0 else ""
        return _page(shown, headings, report.rows[start:end], finished=finished)

    def _place(self, path: str, token: str) -> tuple[Report, int]:
        if token and token in self._readers:
            return self._readers[token]
        if not token and path in self.reports:
            saved = self.reports[path]
            return saved if isinstance(saved, Report) else saved(), 0
        code = "402119" if token else "500"
        text = "General error." if token else f"access denied for user to path {path} - "
        raise AlmaError(code, text if token else f"{text}make sure the report is saved in a shared folder.")

    def _new_reader(self, report: Report, start: int) -> str:
        token = hashlib.sha256(f"reader {len(self._readers)}".encode()).hexdigest()[:16].upper()
        self._readers[token] = (report, start)
        return token


def page_size(limit: str) -> int:
    """Round a limit up to the 25s that Analytics reads in: ``30`` may give up to 50 rows."""
    wanted = int(limit) if limit.isdigit() else STEP
    return min(MOST, max(STEP, -(-wanted // STEP) * STEP))


def _page(token: str, headings: str, rows: tuple[tuple[str | None, ...], ...], *, finished: bool) -> str:
    shown = f"<ResumptionToken>{token}</ResumptionToken>" if token else ""
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f"<report><QueryResult>{shown}<IsFinished>{str(finished).lower()}</IsFinished><ResultXml>"
        f'<rowset xmlns="{ROWSET}">{headings}{"".join(map(_row, rows))}</rowset>'
        "</ResultXml></QueryResult></report>"
    )


def _row(cells: tuple[str | None, ...]) -> str:
    shown = "".join(
        f"<Column{number}>{escape(cell)}</Column{number}>" for number, cell in enumerate(cells, 1) if cell is not None
    )
    return f"<Row><Column0>0</Column0>{shown}</Row>"


def _headings(report: Report, *, named: bool) -> str:
    columns = [_heading(0, Heading("0", "", "int"), named=named)]
    columns += [_heading(number, heading, named=named) for number, heading in enumerate(report.headings, 1)]
    return (
        '<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:saw-sql="urn:saw-sql" '
        f'targetNamespace="{ROWSET}"><xsd:complexType name="Row"><xsd:sequence>'
        f"{''.join(columns)}</xsd:sequence></xsd:complexType></xsd:schema>"
    )


def _heading(number: int, heading: Heading, *, named: bool) -> str:
    names = f" saw-sql:tableHeading={quoteattr(heading.table)} saw-sql:columnHeading={quoteattr(heading.name)}"
    return (
        f'<xsd:element name="Column{number}" type="xsd:{heading.kind}" minOccurs="0" maxOccurs="1"'
        f"{names if named else ''}/>"
    )
