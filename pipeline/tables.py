"""The nouns: which columns a fee, a movement and a payment have, with their types.

Bulk data moves as pandas frames.  A frame is declared here once (name, dtype, one line of meaning, whether it may be
empty) and checked at every stage boundary.  Text is pandas ``str`` and never null: an empty cell is ``""``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from pipeline.money import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

TEXT = "str"
WHOLE = "int64"
FLAG = "bool"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, its dtype (``str``, ``int64`` or ``bool``), what it means, and whether ``""`` may stand."""

    name: str
    dtype: str
    meaning: str
    may_be_empty: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """A noun: its name and its columns.  A frame of this noun has these columns at least, in any order."""

    name: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in the declared order."""
        return tuple(column.name for column in self.columns)

    def plus(self, name: str, *columns: Column) -> Table:
        """Make the noun that has these columns too."""
        return Table(name, self.columns + columns)

    def empty(self) -> pd.DataFrame:
        """Make a frame of this noun without rows."""
        return _without_rows(self).copy()

    def frame(self, columns: Mapping[str, Iterable[object]]) -> pd.DataFrame:
        """Make a frame out of column lists of one length; a column that is not given is blank, zero or false.

        Raises WrongTableError for a column that the noun does not have, and for lists of several lengths.
        """
        import pandas as pd

        given = {name: values if isinstance(values, list) else list(values) for name, values in columns.items()}
        unknown, lengths = set(given) - set(self.names), {len(values) for values in given.values()}
        if unknown or len(lengths) > 1:
            message = f"{self.name}: has no columns {sorted(unknown)}, or lists of several lengths {sorted(lengths)}"
            raise WrongTableError(message)
        length = max(lengths, default=0)
        if not length:
            return self.empty()
        blank = {
            dtype: pd.Series(empty, index=range(length), dtype=dtype)
            for dtype, empty in ((TEXT, ""), (WHOLE, 0), (FLAG, False))
        }
        data = {
            column.name: pd.Series(given[column.name], dtype=column.dtype)
            if column.name in given
            else blank[column.dtype]
            for column in self.columns
        }
        return pd.DataFrame(data)


@cache
def _without_rows(table: Table) -> pd.DataFrame:
    """A night asks for many frames without rows, and making one column by column takes milliseconds: made once."""
    import pandas as pd

    return pd.DataFrame({column.name: pd.Series([], dtype=column.dtype) for column in table.columns})


class WrongTableError(TypeError):
    """A frame does not have the columns or types that its noun declares: a bug of ours, never of the data."""


def checked(frame: pd.DataFrame, table: Table, where: str) -> pd.DataFrame:
    """Return ``frame`` unchanged if it is a frame of ``table``.  Raise WrongTableError, naming all that is wrong."""
    wrong = [_fault(frame, column) for column in table.columns]
    faults = [fault for fault in wrong if fault]
    if faults:
        message = f"{where}: not a table of {table.name}: {'; '.join(faults)}"
        raise WrongTableError(message)
    return frame


def _fault(frame: pd.DataFrame, column: Column) -> str:
    if column.name not in frame.columns:
        return f"no column {column.name}"
    series = frame[column.name]
    if str(series.dtype) != column.dtype:
        return f"{column.name} is {series.dtype}, not {column.dtype}"
    if column.dtype == TEXT and series.hasnans:
        return f"{column.name} has nulls"
    if not column.may_be_empty and column.dtype == TEXT and bool((series == "").any()):
        return f"{column.name} has empty cells"
    return ""


def tally(frame: pd.DataFrame) -> Tally:
    """Count the rows and add up ``amount_cents``."""
    return Tally(len(frame), int(frame["amount_cents"].sum()))


def first_charges(rows: pd.DataFrame) -> pd.Series[bool]:
    """Say of each movement whether it begins a debt, as opposed to changing one."""
    return (rows["kind"] == "charge") & (rows["movement"] == 1)


PLURAL = {"charge": "charges", "reversal": "reversals", "credit": "credits"}
"""Kinds of movement, one and many: a file has one kind."""

_ORIGIN = (
    Column("source", TEXT, "which source says so: the name of the source in the campus file", may_be_empty=False),
    Column("file_sha", TEXT, "SHA-256 of the archived file the row stands in", may_be_empty=False),
    Column("line", WHOLE, "line of the file where the row begins, counted from 1"),
)

FILES = Table(
    "files to read",
    (
        Column("sha", TEXT, "SHA-256 of the file", may_be_empty=False),
        Column("name", TEXT, "the name it came under", may_be_empty=False),
        Column("came_on", TEXT, "the day it came, at the campus, as YYYY-MM-DD"),
        Column("feed", TEXT, "name of its source, or of the system it came from", may_be_empty=False),
        Column("path", TEXT, "where our copy of it lies", may_be_empty=False),
        Column("reader", TEXT, "what reads it: alma_export, report, or the name of a layout", may_be_empty=False),
    ),
)

READ_FEES = Table(
    "fees as read",
    (
        *_ORIGIN,
        Column("export_number", TEXT, "id of the Alma export job, opaque"),
        Column("patron_id_type", TEXT, "userName, or a code of the identifier types such as 02"),
        Column("patron_id", TEXT, "the identifier, as written"),
        Column("fee_id", TEXT, "the source's id of the fee: bursarTransactionId of an export"),
        Column("fee_type", TEXT, "code of the fine/fee type, such as OVERDUEFINE"),
        Column("owner", TEXT, "code of the owning library, or the institution's id where a fee has no library"),
        Column("fee_time", TEXT, "when the fee last changed, as written by the source"),
        Column("currency", TEXT, "ISO code, such as USD"),
        Column("amount_text", TEXT, "the amount as written by the source"),
        Column("amount_cents", WHOLE, "the amount in cents of its currency, 0 where the text is no amount"),
        Column("vat_text", TEXT, "the value added tax as written, usually nothing"),
        Column("barcode", TEXT, "barcode of the item, if the fee has one"),
        Column("title", TEXT, "title of the item, only where the campus keeps it"),
        Column("comment", TEXT, "free text of staff, only where the campus keeps it"),
        Column("patron_name", TEXT, "display name, only where the campus keeps it"),
        Column("title_hash", TEXT, "keyed hash of the title, to find the charge of a credit; empty without a key"),
        Column("user_group", TEXT, "user group of the patron, where the source says it"),
        Column("lists", TEXT, "what the source lists: export, open_now or new_since", may_be_empty=False),
        Column("as_of", TEXT, "the day whose evening a report describes, as YYYY-MM-DD; empty for an export"),
        Column("original_cents", WHOLE, "what the fee was first for; amount_cents where the source says one amount"),
        Column("continues", TEXT, "reference of the charge that this fee continues; empty for a debt of its own"),
        Column("unreadable", TEXT, "why the row cannot be a fee, empty for a good row"),
    ),
)
"""What a reader gives: every value as the source wrote it, and the row's amount."""

IDENTIFIABLE = READ_FEES.plus(
    "fees to identify",
    Column("content", TEXT, "fingerprint of what the fee says: patron, type, owner, date, amount", may_be_empty=False),
)

FEES = IDENTIFIABLE.plus(
    "fees",
    Column("version", WHOLE, "1 for the first content seen under this fee id, 2 for the next that differs"),
    Column("fee_date", TEXT, "date part of fee_time as YYYY-MM-DD; empty until a fee is normalised"),
    Column("known", TEXT, "'pending' where the ledger already holds this very row, else ''"),
)
"""From a report, ``amount_cents`` is what is still open until ``compare`` makes it the change since the last report."""

CHANGES = FEES.plus(
    "changes",
    Column("change", TEXT, "new, grown, fallen, gone, or credit for a CREDIT row of an export", may_be_empty=False),
    Column("movement", WHOLE, "number the next movement of the fee bears"),
    Column("system", TEXT, "the debtor system its first charge went to; empty for a new fee"),
    Column("asked", TEXT, "what Alma says of a fee that has fallen; empty where nobody asked"),
)
"""What has changed since what was sent.  ``amount_cents`` is signed: what lowers a debt is negative, here and below."""

MOVEMENTS = FEES.plus(
    "movements",
    Column("movement", WHOLE, "number of the movement within its fee, 1 for the first charge", may_be_empty=False),
    Column("kind", TEXT, "charge, reversal or credit", may_be_empty=False),
    Column(
        "against", TEXT, "fee id of the debt it raises or lowers: its own, save for a CREDIT row", may_be_empty=False
    ),
    Column("undoes", TEXT, "reference of the charge a reversal undoes, else empty"),
    Column("system", TEXT, "the debtor system it goes to, such as peoplesoft", may_be_empty=False),
    Column("bursar_id", TEXT, "the patron's id as the bursar writes it", may_be_empty=False),
    Column("reference", TEXT, "what the bursar is told to quote back (30 wide)", may_be_empty=False),
    Column("item_type", TEXT, "PeopleSoft item type, 12 digits"),
    Column("account_type", TEXT, "PeopleSoft account type"),
    Column("item_code", TEXT, "CASHNet item code"),
    Column("fund", TEXT, "fund note, for people"),
    Column("term", TEXT, "term the charge belongs to"),
    Column("effective_date", TEXT, "date of the charge as YYYY-MM-DD"),
    Column("due_date", TEXT, "when it must be paid, as YYYY-MM-DD, or nothing"),
    Column("label", TEXT, "our own words for the fee type"),
    Column("description", TEXT, "label and barcode"),
    Column("payments_to", TEXT, "how a payment of it is settled: api, import_file or record", may_be_empty=False),
)

FOLDED = -1
"""As ``batch``: the movement stands in no file of its own, it changes the row that a snapshot repeats."""

_AS_READ = ("file_sha", "lists", "content")
"""What a row that a snapshot carries need not say again of the file it was once read from."""

LINES = Table(
    "lines of files",
    tuple(replace(column, may_be_empty=True) if column.name in _AS_READ else column for column in MOVEMENTS.columns),
).plus(
    "lines of files",
    Column("batch", WHOLE, "which of tonight's files the row stands in, counted from 0; FOLDED in none"),
    Column("carried", FLAG, "true where a snapshot repeats what an earlier file of its system has sent"),
)

PAYMENTS = Table(
    "payments",
    (
        *_ORIGIN,
        Column("system", TEXT, "the bursar system that took the money", may_be_empty=False),
        Column("payment_key", TEXT, "identity of the line of money, from its receipt and line or its content"),
        Column("fingerprint", TEXT, "all money fields of the row"),
        Column("identity", TEXT, "what the key is made of: receipt, content, or to_date (what its reference has paid)"),
        Column("receipt_key", TEXT, "key of its receipt, where that does not number its lines"),
        Column("line_key", TEXT, "key of the line within such a receipt, by what it says"),
        Column("repeats", TEXT, "whether later files of its kind say it again: none or cumulative"),
        Column("amount_is", TEXT, "what the amount stands for: payment, or paid_to_date"),
        Column("before_cents", WHOLE, "what earlier files had said of it; not 0 only where amounts are paid to date"),
        Column("covers_from", TEXT, "first day that its file covers, as YYYY-MM-DD; empty where nothing tells"),
        Column("covers_to", TEXT, "last day that its file covers"),
        Column("foreign", FLAG, "whether it pays another department's item"),
        Column("payment_ref", TEXT, "receipt or transaction number as written"),
        Column("payment_line", TEXT, "line within that receipt, where the file numbers them"),
        Column("fee_ref", TEXT, "our reference as it came back; empty for a line that names none, or several"),
        Column("fees", TEXT, "several fees with their cents as JSON, [[ref, cents], ...]; empty for one or none"),
        Column("patron_id", TEXT, "the patron as the bursar knows them"),
        Column("amount_cents", WHOLE, "money in positive, money going back negative"),
        Column("occurred_on", TEXT, "business date of the payment as YYYY-MM-DD"),
        Column("kind", TEXT, "sale, refund, void, reversal, chargeback, fee, writeoff, adjustment or other"),
        Column("status", TEXT, "status the bursar gives the row, such as CLOSED"),
        Column("method", TEXT, "means of payment as the bursar names it, such as CC"),
        Column("item_code", TEXT, "what was paid, as the bursar names it"),
        Column("origin_ref", TEXT, "the transaction this line takes back, where the file says it"),
        Column("undoes", FLAG, "whether the money is there again after it had gone back"),
        Column("reader", TEXT, "the layout it was read with, such as paypal/stl"),
        Column("unreadable", TEXT, "why the row cannot be money, empty for a good row"),
    ),
)
