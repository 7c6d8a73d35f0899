"""Sets every line of money beside what was told before: it is news, known, or contradicts and takes a person."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.ports.ledger import PaymentState
from pipeline.rules import Sorting
from pipeline.stages.identity import CONTENT, RECEIPT, back_of, key_of, line_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pandas as pd

    from pipeline.findings import Outcome
    from pipeline.ports.ledger import Payment
    from pipeline.stages.streams import Streams

FOREIGN = "PAYMENT-NOT-OURS"

OTHER_DAY, OTHER_PATRON = "PAYMENT-OTHER-DAY", "PAYMENT-OTHER-PATRON"
ANOTHER_DAY = "its receipt said the same money before, of another day than {occurred_on}: the same money, or more of it"
MADE_GOOD = "its receipt said the same money of {occurred_on} before and took it back: made good again, or told again"


@dataclass(frozen=True, slots=True)
class Told:
    """What a line of money said when first told: fingerprint, file, day, if it was ours, line of its file, patron."""

    fingerprint: str
    file_sha: str
    on: str = ""
    foreign: bool = False
    line: str = ""
    patron: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """What tells a row of tables.PAYMENTS from others; ``back`` is the key of what its own receipt takes it back by."""

    key: str
    fingerprint: str
    sha: str
    line: str
    identity: str
    repeats: str
    receipt: str
    place: str
    on: str
    patron: str
    back: str


@dataclass(slots=True)
class Memory:
    """What every key has said by now: in the ledger, or earlier tonight; and which keys each file of tonight says."""

    told: dict[str, Told]
    streams: Streams
    said: dict[str, set[str]] = field(default_factory=dict)
    times: Counter[tuple[str, str]] = field(default_factory=Counter)
    ours_now: set[str] = field(default_factory=set)

    def verdict(self, row: Row) -> tuple[str, str]:
        """Say what a line is, such as news, known, changed, repeated or of another day, and its key; remember it."""
        what, key = self.put_aside(row)
        if what == "known" and (before := self.told.get(key)) is not None and before.foreign:
            self.ours_now.add(key)
        return what, key

    def put_aside(self, row: Row) -> tuple[str, str]:
        """Say the same of a line that ``receive`` has boxed, which makes nothing ours."""
        what, key = self._in_receipt(row) if row.receipt else self._by_key(row)
        if what == "changed":
            key = row.place or key_of(row.key, row.fingerprint)
        elif what == "repeated":
            key = key_of(row.key, row.fingerprint, *self._where(row))
        if key in self.told:
            what = "known"
        if what == "known" and (otherwise := self._said_otherwise(row, key)):
            key = _of_patron(key, row.patron) if otherwise == "another patron" else _of_day(key, row.on)
            what = "known" if key in self.told else otherwise
        self.told.setdefault(key, Told(row.fingerprint, row.sha, row.on, line=row.line, patron=row.patron))
        self.said.setdefault(row.sha, set()).update((row.key, key, row.place))
        return what, key

    def _by_key(self, row: Row) -> tuple[str, str]:
        before = self.told.get(row.key)
        if before is None:
            return "news", row.key
        if before.fingerprint != row.fingerprint:
            return "changed", ""
        if row.identity != CONTENT or before.file_sha == row.sha:
            return "known", row.key
        again = row.repeats == "cumulative" and self.streams.same(row.sha, before.file_sha)
        return ("known", row.key) if again else ("repeated", "")

    def _in_receipt(self, row: Row) -> tuple[str, str]:
        """A receipt that does not number its lines is told whole by one file; what another adds to it contradicts."""
        if row.place in self.told:
            return "known", row.place
        least = self.told.get(row.receipt)
        if least is None:
            return "news", row.key
        if least.fingerprint == row.fingerprint and row.place == line_of(row.receipt, row.fingerprint, 0):
            return "known", row.receipt
        return ("news", row.place) if least.file_sha == row.sha else ("changed", "")

    def expect(self, rows: Iterable[Row]) -> None:
        """Count beforehand how often each file says a line of a receipt."""
        self.times.update((row.sha, row.key) for row in rows if row.identity == RECEIPT)

    def _said_otherwise(self, row: Row, key: str) -> str:
        """Say how the same money is said otherwise than before: it may be moved twice."""
        before = self.told[key]
        if row.identity == CONTENT and before.patron != row.patron:
            return "another patron"
        if row.identity != RECEIPT:
            return ""
        if "" not in (row.on, before.on) and row.on != before.on:
            return "another day"
        return "made good" if self._made_good(row, before) else ""

    def _made_good(self, row: Row, before: Told) -> bool:
        """Whether a file that repeats nothing says money once more that its receipt took back, and says that less."""
        if row.repeats == "cumulative" or row.back not in self.told:
            return False
        once_more = (row.sha, row.line) != (before.file_sha, before.line)
        return once_more and self.times[row.sha, row.key] > self.times[row.sha, row.back]

    def _where(self, row: Row) -> tuple[str, ...]:
        """An equal line is one for its file; in a report that repeats itself, one for all its files."""
        of = self.streams.of(row.sha)
        return (of.pattern,) if row.repeats == "cumulative" and of is not None else (row.sha, row.line)


def rows_of(frame: pd.DataFrame) -> Iterator[Row]:
    """Give the rows of tables.PAYMENTS as told apart."""
    names = ("payment_key", "fingerprint", "file_sha", "line", "identity", "repeats", "receipt_key", "line_key")
    columns = (frame[name].astype("str").tolist() for name in (*names, "occurred_on"))
    patrons = frame["patron_id"].astype("str").str.casefold().tolist()
    receipts = zip(*(frame[name].tolist() for name in ("system", "payment_ref", "payment_line", "kind")), strict=True)
    backs = [back_of(*of) if kind == "sale" else "" for *of, kind in receipts]
    return (Row(*said) for said in zip(*columns, patrons, backs, strict=True))


def asked(frames: Iterable[pd.DataFrame], streams: Streams) -> set[str]:
    """Give every key that these rows have, or may come to bear."""
    found: set[str] = set()
    for frame in frames:
        for row in rows_of(frame):
            of = streams.of(row.sha)
            pattern = (of.pattern,) if of is not None else ()
            mine = {row.key, row.receipt, row.place, key_of(row.key, row.fingerprint)} - {""}
            found |= mine | ({row.back} - {""})
            if row.identity == RECEIPT:
                found |= {_of_day(key, row.on) for key in mine}
            else:
                found |= {key_of(row.key, row.fingerprint, *where) for where in (pattern, (row.sha, row.line))}
                found |= {_of_patron(key, row.patron) for key in mine}
    return found


def remembered(known: Mapping[str, Payment], streams: Streams) -> Memory:
    """Begin with what the ledger knows."""
    return Memory(
        {
            key: Told(
                one.fingerprint,
                one.file_sha,
                one.occurred_on,
                _is_foreign(one),
                str(one.line),
                one.patron_id.casefold(),
            )
            for key, one in known.items()
        },
        streams,
    )


def _of_day(key: str, day: str) -> str:
    """Make the key of what a line says again of another day."""
    return key_of(key, "day", day)


def _of_patron(key: str, patron: str) -> str:
    """Make the key of what an equal line says of another patron."""
    return key_of(key, "patron", patron)


def _is_foreign(payment: Payment) -> bool:
    return payment.state is PaymentState.EXCLUDED and payment.code == FOREIGN


def told_apart(given: pd.DataFrame, memory: Memory) -> Outcome:
    """Sort rows into what is news (passed), what is known (duplicate) and what contradicts (held)."""
    import pandas as pd

    told = list(rows_of(given))
    memory.expect(told)
    verdicts = [memory.verdict(row) for row in told]
    rows = Sorting(given.assign(payment_key=pd.Series([key for _, key in verdicts], index=given.index, dtype="str")))

    def those(which: str) -> pd.Series[bool]:
        return pd.Series([what == which for what, _ in verdicts], index=rows.frame.index, dtype=bool)

    rows.put("duplicate", those("known"), "PAYMENT-KNOWN", "the ledger holds this line, or an earlier one of tonight")
    rows.hold(those("changed"), "PAYMENT-CHANGED", "receipt {payment_ref} said other money before")
    rows.hold(those("another day"), OTHER_DAY, ANOTHER_DAY)
    rows.hold(those("made good"), OTHER_DAY, MADE_GOOD)
    rows.hold(those("another patron"), OTHER_PATRON, "an equal line for this fee names another patron")
    rows.hold(those("repeated"), "PAYMENT-REPEATED", "an equal line without a receipt came in another file")
    return rows.outcome()
