"""The Alma of the box without its web address: patrons, fees, and what a payment does to them."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import asdict, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from pipeline.sandbox import records
from pipeline.sandbox.records import (
    ACTIVE,
    CLOSED,
    EXPORTED,
    IN_DISPUTE,
    METHODS,
    AlmaError,
    Applied,
    Fee,
    PayRequest,
    Switches,
    Transaction,
    User,
    not_valid,
    stamp,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from pipeline.ports.outside import Clock

INSTITUTION = "6761"
CURRENCY = "USD"


class FeeDetails(TypedDict, total=False):
    """What may be said about a new fee beside its patron, type and amount; Alma fills in the rest."""

    status: str
    creation_time: str
    owner: str
    title: str
    barcode: str
    comment: str
    bursar_id: str


class World:
    """All that this Alma remembers.  Whoever uses it holds ``lock``; ``changed`` is called after every change.

    Payments are checked and applied in whole cents.  ``applied`` is the truth that no caller is told.
    """

    def __init__(self, clock: Clock, switches: Switches | None = None) -> None:
        """Begin with nobody in it."""
        self.clock = clock
        self.switches = switches or Switches()
        self.lock = threading.RLock()
        self.changed: Callable[[], None] = lambda: None
        self.users: list[User] = []
        self.fees: dict[str, Fee] = {}
        self.applied: list[Applied] = []
        self._before: dict[str, Fee] = {}
        self._late: list[tuple[datetime, PayRequest]] = []
        self._serial = 0

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Make many changes under the lock and call ``changed`` once, at the end."""
        with self.lock:
            changed, self.changed = self.changed, lambda: None
            try:
                yield
            finally:
                self.changed = changed
                changed()

    def new_id(self) -> str:
        """Make an id in the number shape that Alma's ids have; it ends in the institution's number."""
        self._serial += 1
        return f"{138898000000 + self._serial * 10}{INSTITUTION.zfill(7)}"

    def add_user(self, user: User) -> User:
        """Let a patron in."""
        self.users.append(user)
        self.changed()
        return user

    def add_fee(self, user: User, kind: str, cents: int, **more: Unpack[FeeDetails]) -> Fee:
        """Charge a patron; ``more`` are further columns of a Fee.  The balance is the whole amount."""
        now = stamp(self.clock.now())
        blank = Fee(self.new_id(), user.primary_id, kind, cents, cents, ACTIVE, now, now)
        fee = replace(blank, **more)
        self.fees[fee.fee_id] = fee
        self.changed()
        return fee

    def find_user(self, value: str, id_type: str) -> User | None:
        """Find the first patron known as ``value``; with ``all_unique`` that may be the wrong one, as in Alma."""
        return next((user for user in self.users if user.known_as(value, id_type)), None)

    def fees_of(self, user: User, status: str, *, stale: bool = False) -> list[Fee]:
        """List a patron's fees of one status, oldest first; ``stale`` shows each as before its last change."""
        seen = [self.seen(fee, stale=stale) for fee in self.fees.values() if fee.primary_id == user.primary_id]
        return [fee for fee in seen if fee.status == status]

    def fee_of(self, user: User, fee_id: str) -> Fee:
        """Find one fee of a patron.  Raises AlmaError 401665."""
        fee = self.fees.get(fee_id)
        if fee is None or fee.primary_id != user.primary_id:
            code = "401665"
            raise AlmaError(code, f"Fine not found: {fee_id}.")
        return fee

    def seen(self, fee: Fee, *, stale: bool) -> Fee:
        """Show a fee as it is, or as it was before its last change."""
        return self._before.get(fee.fee_id, fee) if stale else fee

    def closed_error(self) -> AlmaError:
        """Say what Alma has been seen to say about a closed fee."""
        return AlmaError(self.switches.closed_code, "Request failed: API does not support closed fees.")

    def pay(self, request: PayRequest) -> Fee:
        """Apply a payment and give the fee as it then stands.  Raises AlmaError, and then nothing has changed."""
        fee = self.fees[request.fee_id]
        self._check(fee, request)
        excess = max(0, request.cents - fee.balance_cents)
        if excess and self.switches.overpay == "refuse":
            what = "amount is more than the balance"
            raise not_valid(what)
        left = fee.balance_cents - request.cents + excess
        paid = self._moved(
            replace(fee, balance_cents=left, status=fee.status if left else CLOSED),
            "PAYMENT",
            request.cents,
            method=request.method,
            comment=request.comment,
            external_id=request.external_id,
        )
        self.applied.append(Applied(request, paid.status_time))
        if excess and self.switches.overpay == "credit":
            self._credit(paid, excess)
        self.changed()
        return paid

    def _check(self, fee: Fee, request: PayRequest) -> None:
        if fee.status == CLOSED:
            raise self.closed_error()
        if fee.status == IN_DISPUTE or (fee.status == EXPORTED and self.switches.exported == "transferred_unpayable"):
            what = f"a fee of status {fee.status} cannot be paid"
            raise not_valid(what)
        if request.method not in METHODS:
            what = "method"
            raise not_valid(what)
        if request.cents <= 0 or fee.balance_cents <= 0:
            what = "amount"
            raise not_valid(what)

    def _credit(self, fee: Fee, cents: int) -> None:
        user = next(user for user in self.users if user.primary_id == fee.primary_id)
        self.add_fee(user, "CREDIT", -cents, owner=fee.owner, comment="Overpayment")

    def pay_later(self, request: PayRequest) -> None:
        """Take a payment whose answer was lost: it lands when the clock says so, unless it cannot by then."""
        self._check(self.fees[request.fee_id], request)
        self._late.append((self.clock.now() + timedelta(seconds=self.switches.late_apply_s), request))

    def settle(self) -> None:
        """Let the late payments land whose time has come; one that Alma would refuse by now is dropped."""
        now = self.clock.now()
        due = [request for moment, request in self._late if moment <= now]
        self._late = [(moment, request) for moment, request in self._late if moment > now]
        for request in due:
            try:
                self.pay(request)
            except AlmaError:
                continue

    def waive(self, fee: Fee, cents: int, reason: str, comment: str) -> Fee:
        """Forgive a part or all of a fee."""
        if fee.status == CLOSED:
            raise self.closed_error()
        if not reason or not 0 < cents <= fee.balance_cents:
            what = "amount" if reason else "reason"
            raise not_valid(what)
        left = fee.balance_cents - cents
        waived = replace(fee, balance_cents=left, status=fee.status if left else CLOSED)
        return self._saved(self._moved(waived, "WAIVE", cents, reason=reason, comment=comment))

    def dispute(self, fee: Fee) -> Fee:
        """Put an active fee in dispute."""
        return self._restated(fee, ACTIVE, IN_DISPUTE)

    def restore(self, fee: Fee) -> Fee:
        """Take a fee out of dispute."""
        return self._restated(fee, IN_DISPUTE, ACTIVE)

    def _restated(self, fee: Fee, old: str, new: str) -> Fee:
        if fee.status != old:
            what = f"op: the fee is {fee.status}"
            raise not_valid(what)
        return self._saved(self._kept(replace(fee, status=new, status_time=stamp(self.clock.now()))))

    def exported(self, fee: Fee, profile: str) -> Fee:
        """Do to an active fee what the bursar export does, under its bursar transaction id."""
        closed = self.switches.exported == "closed"
        sent = replace(
            fee,
            status=CLOSED if closed else EXPORTED,
            balance_cents=0 if closed else fee.balance_cents,
            bursar_id=fee.bursar_id or self.new_id(),
        )
        if not self.switches.export_shows:
            return self._saved(self._kept(replace(sent, status_time=stamp(self.clock.now()))))
        kind = "EXPORTED_AND_PAID" if closed else "EXPORTED"
        moved = self._moved(sent, kind, abs(fee.balance_cents), reason="Bursar External system", comment=profile)
        return self._saved(moved)

    def imported(self, fee: Fee, cents: int, kind: str) -> int:
        """Do to a fee what the bursar import does with a payment of it; give the cents that became a credit."""
        excess = max(0, cents - fee.balance_cents)
        left = fee.balance_cents - cents + excess
        paid = replace(fee, balance_cents=left, status=fee.status if left else CLOSED)
        self._moved(paid, kind, cents, reason="Bursar External system")
        if excess:
            self._credit(paid, excess)
        self.changed()
        return excess

    def _moved(self, fee: Fee, kind: str, cents: int, **more: str) -> Fee:
        now = stamp(self.clock.now())
        happened = Transaction(self.new_id(), kind, cents, now, **more)
        return self._kept(replace(fee, status_time=now, transactions=(*fee.transactions, happened)))

    def _kept(self, fee: Fee) -> Fee:
        self._before[fee.fee_id] = self.fees[fee.fee_id]
        self.fees[fee.fee_id] = fee
        return fee

    def _saved(self, fee: Fee) -> Fee:
        self.changed()
        return fee

    def times_applied(self, external_id: str) -> int:
        """Count how often a payment of this external id really happened."""
        return sum(entry.request.external_id == external_id for entry in self.applied)

    def state(self) -> dict[str, Any]:
        """Give all that must survive a restart, as JSON."""
        return {
            "serial": self._serial,
            "users": [asdict(user) for user in self.users],
            "fees": [asdict(fee) for fee in self.fees.values()],
            "applied": [asdict(entry) for entry in self.applied],
        }

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Go on where ``state`` ended.  Payments still on their way are not part of it: they are lost for good."""
        self._serial = state["serial"]
        self.users = [records.user_from(row) for row in state["users"]]
        fees: Sequence[Fee] = [records.fee_from(row) for row in state["fees"]]
        self.fees = {fee.fee_id: fee for fee in fees}
        self.applied = [records.applied_from(row) for row in state["applied"]]
