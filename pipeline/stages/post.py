"""Post payments, patron by patron and oldest money first: decide once where the cents go, then pay it in Alma."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipeline.findings import Finding
from pipeline.ports.ledger import UNSENT, PaymentState, PostingState, Way
from pipeline.ports.outside import Refused
from pipeline.stages.allocate import Books, Planner, allocate_payment, waiting
from pipeline.stages.attempt import BLIND_FOR, DOUBTFUL, Desk, grown_old, hold, interrupted, post_one, tell
from pipeline.stages.locate import Views
from pipeline.stages.look import Sight, View
from pipeline.stages.meter import MOST_CALLS, Metered, halted
from pipeline.stages.otherwise import is_otherwise
from pipeline.stages.plan import Hold, Terms
from pipeline.stages.streams import earlier_until

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import Charged, Payment, Posting
    from pipeline.ports.outside import AlmaFees, Clock

DOUBLED_BEFORE = Hold("PATRON-STOPPED", "another payment of this patron stands in Alma twice; settle that first")

NOBODY = View(Sight.BLIND, "the campus file says nothing of Alma's API")

Patron = tuple[str, str]
Age = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a campus and a night decide about posting.

    ``settle`` is how long after a request its absence begins to mean something; ``terms`` gives those of a debtor
    system; ``budget`` is how many calls to Alma a run may make.  ``withheld`` are payments of which nothing is sent.
    Money dated up to ``earlier_until`` may have been posted by a ledger before this one.
    """

    today: date
    settle: timedelta
    terms: Callable[[str], Terms]
    budget: int = MOST_CALLS
    withheld: Collection[str] = ()
    earlier_until: str = ""


@dataclass
class _Patron:
    """What is to be done for one patron: payments to plan and postings to send, each with the age of its money."""

    payments: list[tuple[Age, Payment]] = field(default_factory=list)
    postings: list[tuple[Age, Posting]] = field(default_factory=list)

    def begins(self) -> tuple[bool, Age]:
        """Put patrons with new money before those with held money only, and the oldest money first."""
        new = [age for age, one in self.payments if one.state is PaymentState.MATCHED]
        new += [age for age, one in self.postings if one.state is PostingState.READY]
        return (not new, min(new or [age for age, _ in (*self.payments, *self.postings)]))


def post_all(alma: AlmaFees | None, book: Books, clock: Clock, rules: Rules) -> list[Finding]:
    """Plan every payment that is matched, and work through every posting that is not at rest, one at a time.

    What needs no look at Alma is planned first.  Then doubtful postings, then patrons with new money (oldest first),
    then those with held money only, whose reason may be gone.  Without Alma, what needs her stays as it is, and what
    was sent and never seen becomes a doubt in time.  Gives what people should know; safe to call again after it died
    anywhere.
    """
    metered = Metered(alma, rules.budget) if alma is not None else None
    views = Views(metered, clock) if metered is not None else None
    payments = [one for one in waiting(book) if one.key not in rules.withheld]
    planner = Planner(book, views, rules.earlier_until)
    findings = _cut_off(book, clock)
    for payment in payments:
        if not planner.asked(payment):
            findings += allocate_payment(payment, planner, rules.terms(payment.system), rules.today, clock.now())[1]
    if metered is None or views is None:
        return findings + _unseen(book, clock)
    desk = Desk(metered, book, clock, rules.today, rules.settle)
    return findings + _Run(metered, planner, views, desk, rules).all([one for one in payments if planner.asked(one)])


def _cut_off(book: Books, clock: Clock) -> list[Finding]:
    """Say of what an earlier run was sending when it died that nobody knows what became of it."""
    sending = book.postings(PostingState.SENDING)
    return [one for posting in sending for one in tell(posting, interrupted(posting, book, clock))]


def _unseen(book: Books, clock: Clock) -> list[Finding]:
    """Without Alma nobody can look for what was sent; in time that is a person's matter."""
    sent = book.postings(*DOUBTFUL)
    return [one for posting in sent for one in tell(posting, grown_old(posting, NOBODY, BLIND_FOR, book, clock))]


class _Run:
    """One run of posting into Alma: the patrons looked at, the cents promised, the patrons and receipts stopped."""

    def __init__(self, alma: Metered, planner: Planner, views: Views, desk: Desk, rules: Rules) -> None:
        self._alma, self._planner, self._views, self._desk, self._rules = alma, planner, views, desk, rules
        self._book = planner.book
        self._doubled = {_who(one) for one in self._book.postings(PostingState.DOUBLE)}
        self._stopped: set[str] = set()

    def all(self, payments: Sequence[Payment]) -> list[Finding]:
        """Do it all, until Alma is tired or refuses all of us."""
        findings: list[Finding] = []
        doubtful = self._book.postings(*DOUBTFUL)
        patrons = self._patrons(payments)  # as they are now, not what this run will hold
        try:
            findings.extend(self._doubts(doubtful))
            for held in (False, True):
                self._alma.next_kind()
                findings.extend(self._each([one for one in patrons if one.begins()[0] is held]))
        except Refused as no:
            findings.append(halted(no, "nothing more was posted"))
        return findings

    def _patrons(self, payments: Iterable[Payment]) -> list[_Patron]:
        """Gather everything new or held under its patron, oldest money first."""
        found: dict[Patron, _Patron] = defaultdict(_Patron)
        for payment in payments:
            first = self._planner.asked(payment)[0]
            found[_who(first)].payments.append(((payment.occurred_on, payment.key), payment))
        unsent = self._book.postings(PostingState.READY, PostingState.HELD)
        postings = [one for one in unsent if one.way == Way.API and one.payment_key not in self._rules.withheld]
        money = self._book.known_payments([one.payment_key for one in postings])
        for posting in postings:
            age = (money[posting.payment_key].occurred_on, posting.payment_key)
            found[_who(posting)].postings.append((age, posting))
        return sorted(found.values(), key=_Patron.begins)

    def _doubts(self, postings: Sequence[Posting]) -> Iterator[Finding]:
        for number, posting in enumerate(postings):
            if why := self._alma.tired():
                yield _paused(len(postings) - number, why)
                return
            yield from self._post(posting)

    def _each(self, patrons: Sequence[_Patron]) -> Iterator[Finding]:
        """Work through patrons: first the plans of all their payments, then what is to be paid, each by its age."""
        left = sum(len(one.payments) + len(one.postings) for one in patrons)
        for patron in patrons:
            for age, payment in patron.payments:
                if why := self._alma.tired():
                    yield _paused(left, why)
                    return
                planned, findings = self._plan(payment)
                patron.postings += [(age, one) for one in planned]
                left += len(planned) - 1
                yield from findings
            for _, posting in sorted(patron.postings, key=lambda one: (one[0], one[1].external_id)):
                if why := self._alma.tired():
                    yield _paused(left, why)
                    return
                left -= 1
                yield from self._post(posting)

    def _plan(self, payment: Payment) -> tuple[list[Posting], list[Finding]]:
        terms, now = self._rules.terms(payment.system), self._desk.clock.now()
        planned, findings = allocate_payment(payment, self._planner, terms, self._rules.today, now)
        return [one for one in planned if one.way == Way.API], findings

    def _post(self, posting: Posting) -> list[Finding]:
        if _who(posting) in self._doubled and posting.state in UNSENT:
            after = hold(posting, DOUBLED_BEFORE, self._desk)
        else:
            after = post_one(posting, self._views.of(posting), self._desk)
        if after.state is PostingState.DOUBLE:
            self._doubled.add(_who(after))
        return self._told(posting, after)

    def _told(self, before: Posting, after: Posting) -> list[Finding]:
        """One alarm is enough for all that is held of one receipt; the share that stands wrong has its own."""
        findings = tell(before, after)
        if not findings or not is_otherwise(after):
            return findings
        again = after.payment_key in self._stopped
        self._stopped.add(after.payment_key)
        return [] if again else findings


def _who(one: Charged | Posting) -> Patron:
    return (one.patron_id_type, one.patron_id)


def _paused(left: int, why: str) -> Finding:
    return Finding("POST-PAUSED", "Alma", f"{left} payments wait for the next run: {why}")


def post(work: Work) -> None:
    """Plan and post what was matched, and settle what earlier runs left open."""
    campus, alma = work.campus.campus, work.outside.alma
    settle_s = campus.alma.settle_s if campus.alma else 0

    def terms(system: str) -> Terms:
        return Terms(campus.name, campus.systems[system].methods)

    until = earlier_until(work)
    rules = Rules(work.today, timedelta(seconds=settle_s), terms, withheld=work.withheld, earlier_until=until)
    work.findings += post_all(alma, work.ledger, work.outside.clock, rules)
    if alma is None and campus.mode == "live":
        work.findings += _missed(work.ledger, until)


def _missed(book: Books, until: str) -> list[Finding]:
    """Without Alma's API what is to be paid by it waits, and somebody must hear of that."""
    planner = Planner(book, None, until)
    asking = [one for one in waiting(book) if planner.asked(one)]
    ready = [one for one in book.postings(PostingState.READY) if one.way == Way.API]
    count, sent = len(asking) + len(ready), len(book.postings(*DOUBTFUL))
    said = [f"{count} payments wait to be posted"] if count else []
    said += [f"{sent} were sent, and nobody can see whether Alma has them"] if sent else []
    return [Finding("ALMA-MISSING", "Alma", "; ".join(said))] if said else []
