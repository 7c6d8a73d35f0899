"""What the bursar's office reads: charge files of PeopleSoft and open items of CASHNet, each checked before use.

The office has parsers of its own: positions and columns are written down here once more, from the published widths, so
that a mistake in our layouts does not cancel itself out.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from pipeline.money import POINT, NotMoneyError, cents

CHARGE_NAME = re.compile(r"LIB_(charges|reversals|credits)_([0-9]{8})_([0-9]+)\.dat", re.ASCII)
ITEMS_NAME = re.compile(r"LIBFINES_OPENITEMS_([0-9]{8})_([0-9]+)\.csv", re.ASCII)
LINE_BYTES = 100
HEADER = {"count": (1, 10), "total": (12, 16), "origin": (29, 5), "currency": (35, 3)}
DETAIL = {
    "emplid": (1, 11),
    "item_type": (13, 12),
    "account_type": (26, 3),
    "term": (30, 4),
    "amount": (35, 15),
    "reversal": (51, 1),
    "reference": (53, 30),
    "effective": (84, 8),
    "due": (93, 8),
}
"""PeopleSoft's default file: start (counted from 1) and width of every field; all between them is blank."""

COLUMNS = {
    "CUSTCODE": 64,
    "LNAME": 40,
    "FNAME": 40,
    "EMAIL": 80,
    "ITEMCODE": 12,
    "DESC": 40,
    "AMOUNT": 11,
    "EFFDATE": 10,
    "REF1TYPE": 20,
    "REF1VAL": 30,
    "REF2TYPE": 20,
    "REF2VAL": 64,
}
"""CASHNet's open items: every column in its order, with the most characters it takes."""

NEEDED = ("CUSTCODE", "ITEMCODE", "AMOUNT", "EFFDATE", "REF1VAL")


class UnacceptableError(Exception):
    """The whole file is refused; the text says why."""


def _refuse(why: str) -> NoReturn:
    raise UnacceptableError(why) from None


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """One line of a charge file.  ``fault`` is PeopleSoft's message when the line cannot post, else empty."""

    number: int
    emplid: str
    item_type: str
    term: str
    cents: int
    reference: str
    effective: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class OpenItem:
    """One row of a snapshot: a debt that a patron can pay at CASHNet."""

    reference: str
    custcode: str
    last_name: str
    first_name: str
    item_code: str
    cents: int


def charge_lines(name: str, data: bytes) -> tuple[str, list[ChargeLine]]:
    """Read a PeopleSoft file; the first part says its kind: charges, reversals or credits.  Raises UnacceptableError.

    The file is refused whole when its form, its kind, its count or its total is wrong; a line whose person, item type
    or term cannot be right only keeps itself from posting.
    """
    named = CHARGE_NAME.fullmatch(name)
    if named is None:
        _refuse("the name is not of the form LIB_<kind>_<date>_<number>.dat")
    kind = named[1]
    header, *details = _lines(data)
    head = _fields(header, HEADER, "header")
    lines = [_charge_line(number, line, reverses=kind == "reversals") for number, line in enumerate(details, 1)]
    if head["count"] != f"{len(lines):010d}":
        _refuse(f"the header counts {head['count']} lines, there are {len(lines)}")
    if _money(head["total"], "header") != sum(line.cents for line in lines):
        _refuse(f"the header's total {head['total']} is not the sum of the lines")
    return kind, lines


def _lines(data: bytes) -> list[str]:
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        _refuse("there are bytes outside ASCII")
    if not text.endswith("\n") or "\r" in text:
        _refuse("lines must end in LF, the last one too")
    lines = text[:-1].split("\n")
    wrong = next((number for number, line in enumerate(lines, 1) if len(line) != LINE_BYTES), 0)
    if wrong:
        _refuse(f"line {wrong} is not {LINE_BYTES} bytes long")
    return lines


def _fields(line: str, places: dict[str, tuple[int, int]], where: str) -> dict[str, str]:
    rest = list(line)
    found = {}
    for name, (start, width) in places.items():
        found[name] = line[start - 1 : start - 1 + width].rstrip(" ")
        rest[start - 1 : start - 1 + width] = " " * width
    if "".join(rest).strip(" "):
        _refuse(f"{where}: something stands between the fields")
    return found


def _charge_line(number: int, line: str, *, reverses: bool) -> ChargeLine:
    where = f"line {number}"
    row = _fields(line, DETAIL, where)
    if row["reversal"] != ("Y" if reverses else "N"):
        _refuse(f"{where}: charges and reversals are mixed")
    amount = _money(row["amount"], where)
    if amount <= 0 or not row["reference"]:
        _refuse(f"{where}: no amount or no reference")
    effective = _day(row["effective"], where)
    _day(row["due"] or row["effective"], where)
    fault = _line_fault(row)
    return ChargeLine(number, row["emplid"], row["item_type"], row["term"], amount, row["reference"], effective, fault)


def _line_fault(row: dict[str, str]) -> str:
    if re.fullmatch(r"[0-9]{1,11}", row["emplid"], re.ASCII) is None:
        return "Invalid Employee ID"
    if re.fullmatch(r"[0-9]{12}", row["item_type"], re.ASCII) is None:
        return "Invalid Item Type"
    return "" if re.fullmatch(r"([0-9]{4})?", row["term"], re.ASCII) else "Invalid Term"


def _money(text: str, where: str) -> int:
    try:
        return cents(text, POINT)
    except NotMoneyError:
        _refuse(f"{where}: {text!r} is not an amount")


def _day(text: str, where: str, form: str = "%m%d%Y") -> str:
    try:
        return datetime.strptime(text, form).date().isoformat()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        _refuse(f"{where}: {text!r} is not a date")


def place_in_order(name: str) -> tuple[str, int]:
    """Say which snapshot of open items this is: its date, then its number.  Raises UnacceptableError."""
    named = ITEMS_NAME.fullmatch(name)
    if named is None:
        _refuse("the name is not of the form LIBFINES_OPENITEMS_<date>_<number>.csv")
    return named[1], int(named[2])


def open_items(data: bytes) -> list[OpenItem]:
    """Read a snapshot of CASHNet's open items.  One wrong row refuses it whole.  Raises UnacceptableError."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        _refuse("it is not UTF-8")
    if not text.endswith("\r\n"):
        _refuse("lines must end in CRLF, the last one too")
    try:
        header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    except csv.Error as error:
        _refuse(f"it is not CSV: {error}")
    if header != list(COLUMNS):
        _refuse(f"the columns are not {','.join(COLUMNS)}")
    items = [_open_item(number, row) for number, row in enumerate(rows, 2)]
    if len({item.reference for item in items}) != len(items):
        _refuse("a reference stands there twice")
    return items


def _open_item(number: int, cells: list[str]) -> OpenItem:
    where = f"row {number}"
    if len(cells) != len(COLUMNS):
        _refuse(f"{where}: {len(cells)} columns")
    row = dict(zip(COLUMNS, cells, strict=True))
    wide = [name for name, width in COLUMNS.items() if len(row[name]) > width]
    bare = [name for name in NEEDED if not row[name]]
    if wide or bare:
        _refuse(f"{where}: {', '.join([*wide, *bare])} too long or empty")
    amount = _money(row["AMOUNT"], where)
    if amount <= 0 or row["REF1TYPE"] != "ALMA_FEE_ID":
        _refuse(f"{where}: no amount, or the reference is no fee id")
    _day(row["EFFDATE"], where, "%m/%d/%Y")
    return OpenItem(row["REF1VAL"], row["CUSTCODE"], row["LNAME"], row["FNAME"], row["ITEMCODE"], amount)
