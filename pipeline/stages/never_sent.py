"""Before money counts as never sent to Alma, ask her: a ledger that was lost does not know what it had sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline.findings import Finding
from pipeline.money import dollars
from pipeline.ports.ledger import UNSENT, PaymentState, PostingState, Way
from pipeline.ports.outside import Busy, Refused
from pipeline.stages.allocate import RECONSIDERED, Planner
from pipeline.stages.exported import exported_fee
from pipeline.stages.external import external_id, share_number, standing
from pipeline.stages.imported import unaccounted
from pipeline.stages.locate import NO_PATRON, NotLocatedError, Views
from pipeline.stages.look import sums_close
from pipeline.stages.meter import MOST_CALLS, Metered, halted
from pipeline.stages.payable import ENTERED, Hold, ids_in_alma, in_alma
from pipeline.stages.plan import agreed
from pipeline.stages.went_back import WENT_BACK, stop_one

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.ports.ledger import Charged, Payment, Posting
    from pipeline.ports.outside import AlmaFee, AlmaFees, Clock
    from pipeline.stages.allocate import Books
    from pipeline.stages.duties import Duties
    from pipeline.stages.giveback import Origin


Standing = Mapping[int, Sequence[tuple[str, int]]]
"""What Alma has under a payment's own ids: Alma's fee ids and cents, by number of the share."""

BUSY, NOBODY, DIFFERS = "LOCATE-BUSY", "LOCATE-NO-PATRON", "EARLIER-POSTING-DIFFERS"

IN_PART, NEXT = "BACK-STANDS-IN-PART", "its task comes next"

NOT_SENT = (*UNSENT, PostingState.CANCELLED)
"""States in which Alma has nothing of a posting, as far as the ledger knows, unless a request was attempted."""

ZONES = timedelta(days=1)
"""The day of a payment is told by the bursar's clock, Alma's times are UTC."""


class NeverSent:
    """Asks Alma, patron by patron, about payments that are to be cancelled because nothing of them was sent.

    ``withheld`` are the keys of payments of which nothing may be sent in this run: they are about to go back, and
    nobody could tell whether Alma has them already.  ``findings`` are what people should know besides.
    """

    def __init__(
        self, book: Books, alma: AlmaFees | None, clock: Clock, campus_key: str, earlier_until: str = ""
    ) -> None:
        """Ask nothing yet; ``alma`` is None where nobody can be asked, ``earlier_until`` as ``Planner`` has it."""
        self._book, self._clock, self._campus_key = book, clock, campus_key
        self._alma = Metered(alma, MOST_CALLS) if alma is not None else None
        self._views = Views(self._alma, clock) if self._alma is not None else None
        self._earlier_until = earlier_until
        self.withheld: set[str] = set()
        self.findings: list[Finding] = []

    def doubt(self, origin: Origin, unsent: Sequence[Charged]) -> str:
        """Say why money may be in Alma of which the ledger says that it was never sent; "" if it surely is not.

        ``unsent`` are the debts of the shares in question.  What stands under our own ids is found again when the
        payment is posted, and not paid a second time.  What Alma imports bears no id: where such money may be it, a
        person must say, and nothing of it is sent meanwhile.
        """
        payment = origin.payment
        by_api = [one for one in unsent if one.payments_to == Way.API]
        elsewhere = self._planner.elsewhere(payment)
        imported = [one for one in unsent if one.payments_to == Way.IMPORT_FILE] if self._views is not None else []
        try:
            there = self._under_our_ids(origin, [*by_api, *elsewhere])
            untold = [one for one in imported if not self._agreed(origin, one) and self._imported(payment, one)]
        except (Busy, Refused, NotLocatedError) as unseen:
            self._told(unseen)
            return self._put_aside(
                origin, unsent, Hold(_code(unseen), f"nobody can tell whether Alma has it: {unseen}")
            )
        if untold:
            fees = ", ".join(in_alma(one) for one in untold)
            why = f"money came off fee {fees} in Alma, and nobody knows whose: see whether it is this payment"
            return self._put_aside(origin, untold, Hold(ENTERED, why))
        return self._found(origin, unsent, there) if there else ""

    def seek(self, origin: Origin, cents: int, duties: Duties) -> None:
        """Let staff look for money for no debt that a person may have put on anybody's fee before a ledger was lost.

        Whose fees to ask Alma for nobody knows.
        """
        payment = origin.payment
        if self._alma is not None and origin.unplaced and payment.occurred_on <= self._earlier_until:
            duties.seek(cents, external_id(self._campus_key, payment.key, 1))

    @cached_property
    def _planner(self) -> Planner:
        return Planner(self._book, self._views, self._earlier_until)

    def _under_our_ids(self, origin: Origin, charged: Sequence[Charged]) -> Standing:
        """Give what stands under a payment's own ids and the ledger knows nothing of.

        Unless it is found, every fee of the debts that it may have been put on must be seen: one that closes while we
        ask has left one of Alma's lists and is not on the next, and what stands on it is not absent.
        """
        if not charged:
            return {}
        views = self._ready()
        seen: dict[str, AlmaFee] = {}
        for one in charged:
            seen |= views.of(one).every()
        found = standing(self._campus_key, origin.payment.key, seen.values())
        unknown = {number: each for number, each in found.items() if number not in _known(origin)}
        if not unknown:
            for one in charged:
                _must_be_seen(one, seen.values())
        return unknown

    def _found(self, origin: Origin, unsent: Sequence[Charged], there: Standing) -> str:
        """Say what Alma has of a payment that goes back; what she has not of it is not paid first, only to be undone.

        What stands as it is planned, or before its plan, is found there when it is posted.
        """
        each = ", ".join(f"{dollars(cents)} on fee {fee_id}" for each in there.values() for fee_id, cents in each)
        text = f"Alma has {each} under our own id, unknown to this ledger"
        going = {(one.source, one.fee_id) for one in unsent if one.payments_to != Way.RECORD}
        if not origin.postings:
            shares = [one for one in origin.payment.shares if (one.source, one.fee_id) in going]
            if any(one.number not in there for one in shares):
                return self._by_hand(origin.payment, text)
            return f"{text}; {NEXT if _is_planned_next(origin.payment) else 'say what becomes of it'}"
        found = {(number, *one) for number, each in there.items() for one in each}
        stray = not found <= {_as_found(one) for one in origin.postings}
        lacking = [one for one in origin.postings if one.state in UNSENT and _as_found(one) not in found]
        why = f"it goes back, and {text}: sent as planned, more would be paid than is kept. Say --settled-elsewhere"
        for one in lacking:
            if one.code != WENT_BACK and (stray or (one.source, one.fee_id) in going):
                self.findings.append(stop_one(one, why, self._book, self._clock))
        return f"{text} and not as it is planned; say what becomes of its postings" if stray else f"{text}; {NEXT}"

    def _by_hand(self, payment: Payment, text: str) -> str:
        """Hold a payment before its plan, which would pay in Alma what goes back and is not there; give why."""
        why = f"it goes back, and {text}: nothing more of it is paid by itself. Say --settled-elsewhere"
        if payment.state is PaymentState.MATCHED or payment.code in RECONSIDERED:
            self._book.settle_payment(payment, PaymentState.HELD, IN_PART, why, self._clock.now())
            self.findings.append(Finding(IN_PART, payment.key, why))
        return f"{text} and only a part of it; say what becomes of it"

    def _imported(self, payment: Payment, charged: Charged) -> int:
        """Give the cents that came off an exported fee since the payment, and that no payment we know accounts for."""
        fee = exported_fee(charged, self._ready().of(charged))
        paid = self._book.payments_for(charged.source, charged.fee_id)
        every = [one for other in paid for one in self._book.postings_of(other.key)]
        mine = [one for one in every if (one.source, one.fee_id) == (charged.source, charged.fee_id)]
        known = sum(one.cents for one in mine if one.state is PostingState.VERIFIED)
        return max(0, unaccounted(fee, _since(payment)) - known)

    def _ready(self) -> Views:
        if self._views is None or self._alma is None:
            nobody = "nobody to ask: the campus file says nothing of Alma's API"
            raise Busy(nobody)
        if why := self._alma.tired():
            raise Busy(why)
        return self._views

    def _told(self, unseen: Exception) -> None:
        """When Alma refuses all of us, nobody asks her again in this run."""
        if isinstance(unseen, Refused) and unseen.scope == "system" and self._views is not None:
            self.findings.append(halted(unseen, "whether money that goes back was paid could not be seen"))
            self._views = None

    def _agreed(self, origin: Origin, charged: Charged) -> bool:
        """Say whether a person has seen what Alma shows, and says that it is not this payment."""
        debt = (charged.source, charged.fee_id)
        mine = [one for one in origin.postings if (one.source, one.fee_id) == debt]
        return agreed(origin.payment) or any(one.state is PostingState.READY and one.code == ENTERED for one in mine)

    def _put_aside(self, origin: Origin, unsent: Sequence[Charged], hold: Hold) -> str:
        """Send nothing of a payment in this run, and show people that it, or what is planned of it, waits; give why.

        What a person has let go on stays so.
        """
        payment, now = origin.payment, self._clock.now()
        why = f"it goes back, and {hold.why}"
        self.withheld.add(payment.key)
        unseen_before = payment.state is PaymentState.HELD and payment.code in (BUSY, NOBODY) and hold.code == ENTERED
        if unseen_before or (payment.state is PaymentState.MATCHED and not agreed(payment)):
            self._book.settle_payment(payment, PaymentState.HELD, hold.code, why, now)
            self.findings.append(Finding(hold.code, payment.key, why))
        debts = [(one.source, one.fee_id) for one in unsent]
        ready = [one for one in origin.postings if one.state is PostingState.READY and one.code != ENTERED]
        for one in ready:
            if (one.source, one.fee_id) in debts:
                self._book.move_posting(one, PostingState.HELD, now, code=hold.code, why=why)
                self.findings.append(Finding(hold.code, one.external_id, why))
        return hold.why


def _code(unseen: Exception) -> str:
    """The same words as where a payment is planned and its fee cannot be seen: it is looked for again every night."""
    if isinstance(unseen, NotLocatedError):
        return unseen.code
    return NOBODY if isinstance(unseen, Refused) and unseen.code in NO_PATRON else BUSY


def _is_planned_next(payment: Payment) -> bool:
    """Say whether its plan is written by itself, which finds what stands in Alma: not while a person must speak."""
    return payment.state is PaymentState.MATCHED or payment.code in RECONSIDERED - {DIFFERS}


def _known(origin: Origin) -> set[int]:
    """Give the numbers of the shares of which the ledger knows that Alma has them, or may."""
    return {share_number(one.external_id) for one in origin.postings if one.attempts or one.state not in NOT_SENT}


def _as_found(posting: Posting) -> tuple[int, str, int]:
    """Give the number of its share, Alma's fee and the cents, as it stands in Alma once it is posted."""
    return share_number(posting.external_id), posting.alma_fee_id, posting.cents


def _must_be_seen(charged: Charged, fees: Iterable[AlmaFee]) -> None:
    """Nothing is believed absent from a debt while a fee of it is not shown, or in figures that do not agree."""
    for wanted in ids_in_alma(charged):
        mine = [one for one in fees if wanted in (one.bursar_id, one.fee_id)]
        if not mine:
            gone = "if she has it no more, see where the money is and say --settled-elsewhere of its payment"
            text = f"Alma does not show fee {wanted}; {gone}"
            raise Busy(text)
        if not all(sums_close(one) for one in mine):
            text = f"Alma does not show fee {wanted} in figures that agree"
            raise Busy(text)


def _since(payment: Payment) -> datetime:
    """Give the first moment at which a payment can have been imported."""
    day = datetime.fromisoformat(payment.occurred_on) if payment.occurred_on else datetime(1970, 1, 2)  # noqa: DTZ001
    return day.replace(tzinfo=UTC) - ZONES
