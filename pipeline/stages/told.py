"""Sets every line of money beside what was told before: it is news, known, or contradicts and takes a person."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.ports.ledger import PaymentState
from pipeline.rules import Sorting
from pipeline.stages.identity import CONTENT, RECEIPT, back_of, key_of, line_of, person

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pandas as pd

    from pipeline.findings import Outcome
    from pipeline.ports.ledger import Payment
    from pipeline.stages.streams import Streams

FOREIGN = "PAYMENT-NOT-OURS"

OTHER_DAY, OTHER_PATRON = "PAYMENT-OTHER-DAY", "PAYMENT-OTHER-PATRON"
ANOTHER_DAY = "its receipt said the same money before, of another day than {occurred_on}: the same money, or more of it"
MADE_GOOD = "its receipt said the same money of {occurred_on} before and took it back: made good again, or told again"
ANOTHER_PATRON = (
    "{money} for fee {fee} of {occurred_on} is known as payment {like}; after --resend the match may ask once "
    "more, for whom the fee was charged (MATCH-OTHER-PATRON)"
)
GONE = ", and this file does not say that one any more"


@dataclass(frozen=True, slots=True)
class Told:
    """What a line of money said when first told: fingerprint, file, day, if it was ours, line of its file, patron.

    ``counts``: a person does not keep it back, nor has ended it; an equal line of another patron is money of its own.
    """

    fingerprint: str
    file_sha: str
    on: str = ""
    foreign: bool = False
    line: str = ""
    patron: str = ""
    counts: bool = False


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

    @property
    def changed(self) -> str:
        """The key of what it says where it contradicts what is known under its key."""
        return self.place or key_of(self.key, self.fingerprint)

    def repeated(self, streams: Streams) -> str:
        """Make the key of an equal line: one for its file; in a report that repeats itself, one for all its files."""
        of = streams.of(self.sha)
        where = (of.pattern,) if self.repeats == "cumulative" and of is not None else (self.sha, self.line)
        return key_of(self.key, self.fingerprint, *where)

    def otherwise(self, key: str) -> str:
        """Make the key of what it says of known money again, of another day or another patron."""
        return key_of(key, "day", self.on) if self.identity == RECEIPT else key_of(key, "patron", self.patron)

    def keys(self, streams: Streams) -> set[str]:
        """Give every key that it may come to bear, and that of what takes it back."""
        again = {self.repeated(streams)} if self.identity == CONTENT else set()
        own = {self.key, self.receipt, self.place, self.changed, *again} - {""}
        return own | {self.otherwise(key) for key in own} | ({self.back} - {""})


@dataclass(slots=True)
class Memory:
    """What every key has said by now: in the ledger, or earlier tonight; and which keys each file of tonight says."""

    told: dict[str, Told]
    streams: Streams
    said: dict[str, set[str]] = field(default_factory=dict)
    times: Counter[tuple[str, str]] = field(default_factory=Counter)
    ours_now: set[str] = field(default_factory=set)
    like: dict[str, str] = field(default_factory=dict)
    """By the key of what is said otherwise: that of the known money it is like."""

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
            key = row.changed
        elif what == "repeated":
            key = row.repeated(self.streams)
        if what == "known" or key in self.told:
            what, key = self._again(row, key)
        self.told.setdefault(key, Told(row.fingerprint, row.sha, row.on, line=row.line, patron=row.patron))
        own = key in self.like and row.identity == CONTENT and self.told[key].counts
        self.said.setdefault(row.sha, set()).update((key,) if own else (row.key, key, row.place))
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

    def _again(self, row: Row, key: str) -> tuple[str, str]:
        """Say whether known money is said as before, or otherwise under a key of its own: it may be moved twice."""
        otherwise = self._otherwise(row, self.told[key])
        if not otherwise:
            return "known", key
        own = row.otherwise(key)
        self.like[own] = key
        return "known" if own in self.told else otherwise, own

    def _otherwise(self, row: Row, before: Told) -> str:
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


def rows_of(frame: pd.DataFrame) -> Iterator[Row]:
    """Give the rows of tables.PAYMENTS as told apart."""
    names = ("payment_key", "fingerprint", "file_sha", "line", "identity", "repeats", "receipt_key", "line_key")
    columns = (frame[name].astype("str").tolist() for name in (*names, "occurred_on"))
    patrons = [person(one) for one in frame["patron_id"].astype("str").tolist()]
    receipts = zip(*(frame[name].tolist() for name in ("system", "payment_ref", "payment_line", "kind")), strict=True)
    backs = [back_of(*of) if kind == "sale" else "" for *of, kind in receipts]
    return (Row(*said) for said in zip(*columns, patrons, backs, strict=True))


def asked(frames: Iterable[pd.DataFrame], streams: Streams) -> set[str]:
    """Give every key that these rows have, or may come to bear."""
    return {key for frame in frames for row in rows_of(frame) for key in row.keys(streams)}


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
                person(one.patron_id),
                one.code != OTHER_PATRON and one.state is not PaymentState.SETTLED,
            )
            for key, one in known.items()
        },
        streams,
    )


def _is_foreign(payment: Payment) -> bool:
    return payment.state is PaymentState.EXCLUDED and payment.code == FOREIGN


def told_apart(given: pd.DataFrame, memory: Memory) -> Outcome:
    """Sort rows into what is news (passed), what is known (duplicate) and what contradicts (held)."""
    import pandas as pd

    told = list(rows_of(given))
    memory.expect(told)
    verdicts = [memory.verdict(row) for row in told]
    keys = pd.Series([key for _, key in verdicts], index=given.index, dtype="str")
    likes = pd.Series(list(_likes(told, verdicts, memory)), index=given.index, dtype="str")
    money = pd.Series([dollars(cents) for cents in given["amount_cents"].tolist()], index=given.index, dtype="str")
    fees = given["fee_ref"].where(given["fee_ref"] != "", given["fees"])
    rows = Sorting(given.assign(payment_key=keys, like=likes, money=money, fee=fees))

    def those(which: str) -> pd.Series[bool]:
        return pd.Series([what == which for what, _ in verdicts], index=rows.frame.index, dtype=bool)

    rows.put("duplicate", those("known"), "PAYMENT-KNOWN", "the ledger holds this line, or an earlier one of tonight")
    rows.hold(those("changed"), "PAYMENT-CHANGED", "receipt {payment_ref} said other money before")
    rows.hold(those("another day"), OTHER_DAY, ANOTHER_DAY)
    rows.hold(those("made good"), OTHER_DAY, MADE_GOOD)
    rows.hold(those("another patron"), OTHER_PATRON, ANOTHER_PATRON)
    rows.hold(those("repeated"), "PAYMENT-REPEATED", "an equal line without a receipt came in another file")
    outcome = rows.outcome()
    return type(outcome)(_as_read(outcome.passed), {box: _as_read(part) for box, part in outcome.boxes.items()})


def _likes(told: Sequence[Row], verdicts: Sequence[tuple[str, str]], memory: Memory) -> Iterator[str]:
    """Name the known payment that an equal line of another patron is like, and say if its file says it no more."""
    said = {(row.sha, key) for row, (_, key) in zip(told, verdicts, strict=True)}
    for row, (what, key) in zip(told, verdicts, strict=True):
        known = memory.like[key] if what == "another patron" else ""
        gone = known and (row.sha, known) not in said
        yield f"{known} of another patron{GONE if gone else ''}"


def _as_read(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns=["like", "money", "fee"])
