"""Turns what was paid so far into payments: each is the difference to what earlier files had said of its reference."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pipeline.findings import Finding, Outcome
from pipeline.money import dollars
from pipeline.ports.ledger import PaymentState
from pipeline.rules import Sorting
from pipeline.stages.identity import TO_DATE, step_of
from pipeline.stages.resolving import SAID_AGAIN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    import pandas as pd

    from pipeline.ports.ledger import Payment, PaymentBook
    from pipeline.stages.told import Memory

TWO_SUMS, OLDER, APPROVED = "PAYMENT-TWO-SUMS", "PAYMENT-SUM-OLDER", "PAYMENT-SUM-APPROVED"
NOT_ENTERED = (TWO_SUMS, OLDER)
"""Why a sum is held that is no payment a person could let go: the next file says again what was paid."""

WHY_OLDER = (
    "{before_cents} cents count as paid of {fee_ref}; this sum, said for {occurred_on}, is older, and not entered"
)

WHY_AGAIN = (
    "{before_cents} cents count as paid of {fee_ref}; this sum, said for {occurred_on}, is more, and a person had said "
    "of {rejected_cents} cents that they never came"
)

NEWS, KNOWN, NOTHING, CONTRADICTS, OTHERWISE = "news", "known", "nothing", "contradicts", "otherwise"
AGREED, AGAIN = "agreed", "again"


@dataclass(slots=True)
class Chain:
    """What a reference has paid by all that was said so far: how many changes, the sum, the newest day.

    ``said`` are the keys of the changes that count.  ``rejected`` are the cents of which a person said that they never
    came, ``answered`` the sums that were said again after that and rejected too.
    """

    steps: int = 0
    cents: int = 0
    on: str = ""
    said: list[str] = field(default_factory=list)
    rejected: int = 0
    answered: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Statement:
    """What one row says: its place, file and system, the key of its reference, the day and the sum by then."""

    place: int
    sha: str
    system: str
    key: str
    on: str
    cents: int


@dataclass(frozen=True, slots=True)
class Said:
    """What the files of tonight may still say: of ``read`` nothing counts yet, ``late`` were written before others.

    ``agreed`` are the systems of which a person has said that an older day may count.
    """

    read: Collection[str]
    late: Collection[str]
    agreed: Collection[str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a row: the key it bears, and the cents that earlier files had said of it."""

    what: str
    key: str
    before: int = 0
    rejected: int = 0


def differences(given: pd.DataFrame, files: Said, book: PaymentBook, memory: Memory) -> Outcome:
    """Make of each row (identity ``to_date``) the change since what was said before, under the number of that change.

    Passed rows have the difference as amount_cents, the rest as before_cents; less than before is a reversal.  Of a
    reference that a file names several times the newest day counts.  Two sums of that day are held (NOT_ENTERED), and
    so is another sum than the one that counts, if it is of an older day, or its file came late.  A file that is not in
    ``files.read`` is booked and says nothing new.  What a person said never came does not count; a sum that would have
    it count is held whole (SAID_AGAIN).
    """
    statements = _statements(given)
    chains = _chains(book, {one.key for one in statements})
    found: dict[int, Verdict] = {}
    for (sha, key), same in _by_file(statements).items():
        chain = chains[key]
        if sha in files.read:
            found |= _judged(same, chain, late=sha in files.late, agreed=same[0].system in files.agreed)
        else:
            found |= _known(same)
        memory.said.setdefault(sha, set()).update(chain.said)
    verdicts = [found[place] for place in range(len(given))]
    return replace(_sorted(given, verdicts), findings=tuple(_approved(given, verdicts)))


def _statements(given: pd.DataFrame) -> list[Statement]:
    names = ("file_sha", "system", "payment_key", "occurred_on", "amount_cents")
    columns = (given[name].tolist() for name in names)
    return [Statement(place, *said) for place, said in enumerate(zip(*columns, strict=True))]


def _by_file(statements: Iterable[Statement]) -> Mapping[tuple[str, str], list[Statement]]:
    """The statements about one reference in one file, in the order in which the files come."""
    found: dict[tuple[str, str], list[Statement]] = defaultdict(list)
    for one in statements:
        found[one.sha, one.key].append(one)
    return found


def _chains(book: PaymentBook, keys: Collection[str]) -> dict[str, Chain]:
    """Follow the changes that are known of each reference, all of them at a time."""
    chains = {key: Chain() for key in keys}
    left, number = set(keys), 0
    while left:
        number += 1
        steps = {step_of(key, number): key for key in left}
        known = book.known_payments(sorted(steps))
        for step, payment in known.items():
            _add(chains[steps[step]], payment)
        left = {steps[step] for step in known}
    return chains


def _add(chain: Chain, payment: Payment) -> None:
    chain.steps += 1
    chain.on = max(chain.on, payment.occurred_on)
    if payment.state is not PaymentState.EXCLUDED:
        chain.cents += payment.cents
        chain.said.append(payment.key)
        if chain.rejected and payment.cents > 0 and payment.state is not PaymentState.HELD:  # a yes ends the question
            chain.rejected, chain.answered = 0, set()
    elif payment.code == SAID_AGAIN:
        chain.answered.add(chain.cents + payment.cents)
    else:
        chain.rejected += payment.cents


def _known(same: list[Statement]) -> dict[int, Verdict]:
    return {one.place: Verdict(KNOWN, one.key) for one in same}


def _judged(same: list[Statement], chain: Chain, *, late: bool, agreed: bool) -> dict[int, Verdict]:
    """Judge what one file says of one reference; ``chain`` learns it.

    A file that came late says nothing of a day up to the one that counts: a newer file has spoken since.
    """
    newest = max(one.on for one in same)
    last = [one for one in same if one.on == newest]
    found = _known(same)
    if late and newest <= chain.on:
        return found
    if len({one.cents for one in last}) > 1:
        return found | {one.place: Verdict(CONTRADICTS, one.key) for one in last}
    one = last[0]
    if one.cents == chain.cents or (one.cents > chain.cents and one.cents in chain.answered):
        return found if chain.steps else found | {one.place: Verdict(NOTHING, one.key)}
    older = newest < chain.on or (late and chain.steps > 0)
    if older and not agreed:
        return found | {one.place: Verdict(OTHERWISE, one.key, chain.cents)}
    again = chain.rejected and one.cents > chain.cents
    key, what = step_of(one.key, chain.steps + 1), AGAIN if again else AGREED if older else NEWS
    found[one.place] = Verdict(what, key, chain.cents, chain.rejected)
    chain.steps, chain.cents, chain.on = chain.steps + 1, one.cents, newest
    chain.said.append(key)
    return found


def _sorted(given: pd.DataFrame, verdicts: list[Verdict]) -> Outcome:
    import pandas as pd

    index = given.index
    before = pd.Series([one.before for one in verdicts], index=index, dtype="int64")
    change = given["amount_cents"] - before
    kind = pd.Series("sale", index=index, dtype="str").where(change > 0, "reversal")
    rows = Sorting(
        given.assign(
            payment_key=pd.Series([one.key for one in verdicts], index=index, dtype="str"),
            before_cents=before,
            rejected_cents=[one.rejected for one in verdicts],
            amount_cents=change,
            kind=given["kind"].where(change == 0, kind).astype("str"),
        )
    )

    def those(which: str) -> pd.Series[bool]:
        return pd.Series([one.what == which for one in verdicts], index=rows.frame.index, dtype=bool)

    rows.put("duplicate", those(KNOWN), "PAYMENT-KNOWN", "no more and no less was paid for it than had been said")
    rows.put("excluded", those(NOTHING), "PAYMENT-ZERO", "line {line} moves no money")
    rows.hold(those(CONTRADICTS), TWO_SUMS, "two sums of {fee_ref} are said for {occurred_on}; neither is entered")
    rows.hold(those(OTHERWISE), OLDER, WHY_OLDER)
    rows.hold(those(AGAIN), SAID_AGAIN, WHY_AGAIN)
    made = rows.outcome()
    boxes = {box: frame.drop(columns="rejected_cents") for box, frame in made.boxes.items()}
    return Outcome(made.passed.drop(columns="rejected_cents"), boxes)


def _approved(given: pd.DataFrame, verdicts: list[Verdict]) -> Iterator[Finding]:
    """Tell, with both figures, which sums count only because a person said that they may."""
    columns = (given[name] for name in ("amount_cents", "fee_ref", "occurred_on"))
    for one, cents, reference, day in zip(verdicts, *columns, strict=True):
        if one.what == AGREED:
            says = f"{dollars(cents)}, said of {reference} for {day}, count as paid of it"
            yield Finding(APPROVED, one.key, f"{says}; {dollars(one.before)} did before; approved")


def is_to_date(frame: pd.DataFrame) -> pd.Series[bool]:
    """Which rows say what was paid to date."""
    return frame["identity"] == TO_DATE
