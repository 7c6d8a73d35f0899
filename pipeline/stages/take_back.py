"""Money going back: cancel what was not posted yet, else open the debt again and tell staff what to do in Alma."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pipeline.findings import Finding
from pipeline.money import dollars
from pipeline.ports.ledger import PaymentState, PostingBook, PostingState, Share, TaskBook
from pipeline.stages import closing, went_back
from pipeline.stages.credited import Books as ChargedBooks
from pipeline.stages.credited import Credit, Credited
from pipeline.stages.duties import Duties
from pipeline.stages.giveback import Origin, divided, parts, together, unsent
from pipeline.stages.match import ALL_BACK, debts_of, fees_named
from pipeline.stages.never_sent import NeverSent
from pipeline.stages.of_receipt import TOO_MUCH, UNCLEAR, taken_back
from pipeline.stages.origins import backs_of, by_fee, by_receipt, cents_for, in_question, names
from pipeline.stages.payable import Hold
from pipeline.stages.streams import earlier_until
from pipeline.stages.writeoffs import TOO_MUCH as MORE_THAN_OPEN
from pipeline.stages.writeoffs import UNPLACED, adjusted, written_off

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import Charged, Payment
    from pipeline.ports.outside import Clock
    from pipeline.stages.giveback import Debt, Part

EARLY = "REVERSAL-EARLY"

LOOKED_AT_AGAIN = frozenset({EARLY, UNPLACED, MORE_THAN_OPEN})
"""Lines held for these reasons are thought about again every night: what they speak of may have come since."""

GOING_BACK = frozenset({"sale", "refund", "void", "reversal", "chargeback"})


@dataclass(frozen=True, slots=True)
class Going:
    """What goes back of one payment: its debts, its part in each, and the cents that come off each."""

    origin: Origin
    charged: Mapping[Debt, Charged]
    given: Sequence[Part]
    taken: Mapping[Debt, int]

    def stays(self, line: Payment) -> list[Part]:
        """Give the parts that need not go out at all."""
        return unsent(self.origin, self.given, self.taken, line)


class Books(ChargedBooks, PostingBook, TaskBook, Protocol):
    """The books of the ledger that money going back touches."""


def take_back(work: Work) -> None:
    """Deal with every line that is no payment: what takes money back, what the bursar wrote off or adjusted.

    Then close the tasks of which the ledger or Alma shows by now that they are done.
    """
    outside, name = work.outside, work.campus.campus.name
    never_sent = NeverSent(work.ledger, outside.alma, outside.clock, name, earlier_until(work))
    work.findings += back_all(work.ledger, work.outside.clock, work.today, never_sent)
    work.withheld |= never_sent.withheld
    closing.reopened(work.ledger, work.outside.clock)
    closing.given_back(work.ledger, work.outside.clock)
    work.findings += closing.cleared(work.ledger, work.outside.alma, work.outside.clock)


def back_all(book: Books, clock: Clock, today: date, never_sent: NeverSent) -> list[Finding]:
    """Deal with every such line that is new, or waited for what it speaks of, oldest first; give what is to be told.

    Safe to call again after it died anywhere.  What ``never_sent`` withholds afterwards must not be sent in this run.
    """
    desk = Desk(book, clock, today, never_sent)
    findings: list[Finding] = []
    for line in book.payments_in(PaymentState.RECEIVED, PaymentState.HELD):
        new = line.state is PaymentState.RECEIVED and (line.kind != "sale" or line.cents < 0)
        if new or (line.state is PaymentState.HELD and line.code in LOOKED_AT_AGAIN):
            findings += desk.hold(line, hold) if (hold := desk.deal(line)) else []
    return [*findings, *desk.findings, *went_back.stop(book, clock), *never_sent.findings]


class Desk:
    """Deals with one line after the other; each sees what the ones before it took."""

    def __init__(self, book: Books, clock: Clock, today: date, never_sent: NeverSent) -> None:
        """Ask nothing yet."""
        self.book, self.clock, self.today = book, clock, today.isoformat()
        self.never_sent = never_sent
        self.credited = Credited(book)
        self.findings: list[Finding] = []

    def hold(self, line: Payment, hold: Hold) -> list[Finding]:
        """Hold a line; it is news once for each reason."""
        self.book.settle_payment(line, PaymentState.HELD, hold.code, hold.why, self.clock.now())
        return [Finding(hold.code, line.key, hold.why)] if hold.code != line.code else []

    def deal(self, line: Payment) -> Hold | None:
        """Book what a line means, or say why a person must look."""
        if line.cents < 0 and line.kind in GOING_BACK:
            return self.give_back(line)
        if line.cents < 0 and line.kind == "adjustment" and (line.origin_ref or by_receipt(line, self.book)):
            return self.give_back(line)
        if line.kind == "writeoff":
            return self.write_off(line)
        return adjusted(line)

    def write_off(self, line: Payment) -> Hold | None:
        """Take off the debt what the bursar wrote off, or say why not."""
        named = fees_named(line, self.book) if line.fee_ref or line.fees else []
        decided = written_off(line, named, debts_of(line, self.book), self.today)
        if isinstance(decided, Hold):
            return decided
        self.book.withdraw_payment(line, decided.shares, decided.tasks, self.clock.now())
        return None

    def give_back(self, line: Payment) -> Hold | None:
        """Cancel the payment it takes back, or open its debts again with the tasks that follow; or say why not."""
        lines = [self._known(one) for one in by_receipt(line, self.book)]
        if not lines:
            return self._of_the_fee(line)
        known = [self.book.charged(line.system, name) for name in names(line)]
        meant = taken_back(line, lines, [(one.source, one.fee_id) if one else None for one in known])
        if isinstance(meant, Hold):
            return meant
        return self._of_one(line, meant[0]) if len(meant) == 1 else self._of_all(line, meant)

    def _of_the_fee(self, line: Payment) -> Hold | None:
        """Without a receipt the newest payment of just these cents counts; else the debt is opened by so much.

        A receipt that is named and not known waits for its payment: another one of the same fee is not meant.
        """
        knows_receipt = line.origin_ref or (line.kind == "void" and line.payment_ref)
        charged = self.book.charged(line.system, line.fee_ref) if line.fee_ref and not knows_receipt else None
        paid = [self._known(one) for one in by_fee(line, charged, self.book)] if charged else []
        if not paid or charged is None:
            return Hold(EARLY, f"{dollars(-line.cents)} go back, and no payment is known that they came in with")
        if like := in_question(line, self.book):
            waits = f"payment {like.key}, an equal one, waits for a person ({like.code})"
            return Hold(EARLY, f"{dollars(-line.cents)} go back, and {waits}")
        debt = (charged.source, charged.fee_id)
        exact = [one for one in paid if cents_for(one.payment, debt) == -line.cents]
        left = [one for one in exact if one.left >= -line.cents]
        if left or len(paid) == 1 or (exact and line.payment_ref):
            return self._of_one(line, (left or exact or paid)[0])
        return self._of_several(line, charged, paid)

    def _of_one(self, line: Payment, origin: Origin) -> Hold | None:
        charged = self._charged(origin)
        given = parts(origin, charged)
        taken = divided(-line.cents, given, origin.left - sum(part.left for part in given), self._named(line))
        overdrawn = any(cents > charged[debt].paid_cents for debt, cents in taken.items())
        if -line.cents > origin.left or overdrawn:
            says = f"{dollars(-line.cents)} go back, and {dollars(0 if overdrawn else origin.left)} of receipt"
            return Hold(TOO_MUCH, f"{says} {origin.payment.payment_ref or origin.payment.key} are left")
        going = Going(origin, charged, given, taken)
        stays = going.stays(line)
        if (stays or origin.unplaced or origin.cancels(line)) and (doubt := self._doubt(going, stays)):
            return Hold(EARLY, f"{dollars(-line.cents)} go back, and {doubt}")
        duties = Duties(line, self.today)
        self.never_sent.seek(origin, -line.cents, duties)
        if origin.cancels(line):
            for task in duties.made:
                self.book.open_task(task, self.clock.now())
            self.book.cancel_payment(origin.payment, line, _cancelled(line), self.clock.now())
            return None
        of_no_fee = -line.cents - sum(taken.values())
        if origin.payment.state is PaymentState.SETTLED and of_no_fee:
            duties.look(None, of_no_fee)
        self._undo(line, going, duties)
        self._book(line, taken, duties, [origin], origin.payment.key)
        return None

    def _of_all(self, line: Payment, origins: Sequence[Origin]) -> Hold | None:
        """All that is left of every line of a receipt goes back at once; one that waits for its plan ends with that."""
        going = [self._whole(origin) for origin in origins]
        charged = {debt: known for one in going for debt, known in one.charged.items()}
        taken: Counter[Debt] = Counter()
        for one in going:
            taken.update(one.taken)
        back = f"{dollars(-line.cents)} go back"
        if any(cents > charged[debt].paid_cents for debt, cents in taken.items()):
            return Hold(TOO_MUCH, f"{back}, and so much is not left of the fees that the receipt paid")
        ends = (one for one in going if one.origin.waits or one.origin.payment.why == ALL_BACK)  # a run died at it
        of_no_fee = sum(one.origin.left - sum(one.taken.values()) for one in ends)
        if sum(taken.values()) + of_no_fee != -line.cents:
            return Hold(UNCLEAR, f"{back}, and {dollars(sum(taken.values()))} of that are known to be for a fee")
        if doubt := self._doubt_of_all(line, going):
            return Hold(EARLY, f"{back}, and {doubt}")
        duties = Duties(line, self.today)
        for one in going:
            self.never_sent.seek(one.origin, one.origin.left, duties)
            self._undo(line, one, duties)
            if one.origin.waits:
                self.book.settle_payment(one.origin.payment, PaymentState.SETTLED, "", ALL_BACK, self.clock.now())
        self._book(line, taken, duties, origins, "")
        return None

    def _whole(self, origin: Origin) -> Going:
        charged = self._charged(origin)
        given = parts(origin, charged)
        return Going(origin, charged, given, {part.debt: part.left for part in given if part.left > 0})

    def _undo(self, line: Payment, going: Going, duties: Duties) -> None:
        """Tell staff what Alma shows too much, and let nothing go out any more that went back whole."""
        for part in going.given:
            if cents := going.taken.get(part.debt, 0):
                self._duty(line, going.charged[part.debt], part, cents, duties)
        self._unsend(going.stays(line), line)

    def _doubt(self, going: Going, unsent: Sequence[Part]) -> str:
        return self.never_sent.doubt(going.origin, [going.charged[part.debt] for part in unsent])

    def _doubt_of_all(self, line: Payment, going: Sequence[Going]) -> str:
        """Say the first doubt; while there is one, nothing of the others is sent either, for they go back as well."""
        unsent = [(one, stays) for one in going if (stays := one.stays(line)) or one.origin.waits]
        for one, stays in unsent:
            if doubt := self._doubt(one, stays):
                self.never_sent.withheld |= {other.origin.payment.key for other, _ in unsent if other is not one}
                return doubt
        return ""

    def _of_several(self, line: Payment, charged: Charged, paid: Sequence[Origin]) -> Hold | None:
        """Open a debt by money of several payments, as where a sum paid to date has fallen: nobody says of which."""
        debt = (charged.source, charged.fee_id)
        if -line.cents > charged.paid_cents:
            says = f"{dollars(-line.cents)} go back, and {dollars(charged.paid_cents)} of what came in for"
            return Hold(TOO_MUCH, f"{says} {charged.reference} are left")
        live = [one for one in paid if one.payment.state is not PaymentState.CANCELLED]
        if waits := [one for one in live if one.waits]:
            return self._of_the_unplanned(line, waits)
        each = [part for one in live for part in parts(one, self._charged(one)) if part.debt == debt]
        duties = Duties(line, self.today)
        self._duty(line, charged, together(each, charged.paid_cents), -line.cents, duties)
        self._book(line, {debt: -line.cents}, duties, live, "")
        return None

    def _of_the_unplanned(self, line: Payment, waits: Sequence[Origin]) -> Hold | None:
        """What Alma need not learn of goes back first; a sum that is more than one such payment waits for its plan."""
        enough = [one for one in waits if one.left >= -line.cents]
        if enough:
            return self._of_one(line, enough[0])
        return Hold(EARLY, f"{dollars(-line.cents)} go back, and some of what came in is still to be planned")

    def _book(
        self, line: Payment, taken: Mapping[Debt, int], duties: Duties, origins: Sequence[Origin], key: str
    ) -> None:
        """Book it as money of the payment of this key, or of several (""); what a person had let go is asked again."""
        shares = [Share(number, *debt, -cents) for number, (debt, cents) in enumerate(taken.items(), 1)]
        for posting in [one for origin in origins for one in origin.postings if (one.source, one.fee_id) in taken]:
            self.findings += went_back.ask_again(posting, line, self.book, self.clock)
        self.book.take_back(line, shares, duties.made, self.clock.now(), origin=key)

    def _known(self, payment: Payment) -> Origin:
        return Origin(payment, backs_of(payment, self.book), self.book.postings_of(payment.key))

    def _duty(self, line: Payment, charged: Charged, part: Part, cents: int, duties: Duties) -> None:
        """Tell staff what Alma shows too much: paid, or given back twice because the book came back as well."""
        too_much = part.too_much(cents)
        if part.by_hand:
            duties.look(charged, min(cents, part.by_hand))
        if not too_much:
            return
        credit = self._credit(line, charged, cents, too_much)
        if credit.cents:
            duties.clear(charged, credit.cents, credit.fee_id)
        if too_much > credit.cents:
            duties.unpay(charged, too_much - credit.cents, unsure=part.unsure)

    def _credit(self, line: Payment, charged: Charged, cents: int, too_much: int) -> Credit:
        """Give the cents of a refund that answer a credit: so much is not owed again."""
        if line.kind != "refund":
            return Credit(0)
        waiting = self.credited.waiting(charged, cents)
        credit = waiting.cents + self.credited.booked(charged)
        owed_again = max(0, charged.charged_cents - waiting.cents - (charged.paid_cents - cents))
        return Credit(min(credit, max(0, too_much - owed_again)), waiting.fee_id)

    def _unsend(self, unsent: Sequence[Part], line: Payment) -> None:
        """What was planned and never attempted need not be paid in Alma first, only for staff to undo it."""
        for part in unsent:
            for posting in part.postings:
                self.book.move_posting(posting, PostingState.CANCELLED, self.clock.now(), why=_cancelled(line))

    def _charged(self, origin: Origin) -> Mapping[Debt, Charged]:
        debts = dict.fromkeys((share.source, share.fee_id) for share in origin.payment.shares)
        found = {debt: self.book.charge_of(*debt) for debt in debts}
        return {debt: charged for debt, charged in found.items() if charged is not None}

    def _named(self, line: Payment) -> dict[Debt, int]:
        if not line.fee_ref and not line.fees:
            return {}
        named = [(one.charged, max(0, one.cents)) for one in fees_named(line, self.book)]
        return {(charged.source, charged.fee_id): cents for charged, cents in named if charged}


def _cancelled(line: Payment) -> str:
    return f"{line.kind} {line.payment_ref or line.key} of {line.occurred_on} takes it back before it was posted"
