"""What the Alma of the box knows about a patron, a fee and a payment, and how it decides where nobody knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

ACTIVE = "ACTIVE"
IN_DISPUTE = "INDISPUTE"
EXPORTED = "EXPORTED"
CLOSED = "CLOSED"
STATUSES = (ACTIVE, IN_DISPUTE, EXPORTED, CLOSED)
"""The statuses that Alma's list of fees can be asked for, one per call."""

METHODS = ("CREDIT_CARD", "ONLINE", "CASH")
"""The payment methods that Alma's API documents."""

Exported = Literal["closed", "transferred_payable", "transferred_unpayable"]
Overpay = Literal["refuse", "credit", "accept"]


@dataclass(frozen=True, slots=True)
class Switches:
    """How this Alma behaves where the published pages are silent or contradict each other.

    ``exported``: what the bursar export makes of a fee.  ``export_shows``: it leaves a transaction on the fee.
    ``get_closed``: a single closed fee can be read.
    ``closed_code``: error code beside "API does not support closed fees." (never published).
    ``echo_external_id``: a payment shows the external id it was sent with.
    ``late_apply_s``: a payment whose answer was lost lands so many seconds later.
    ``overpay``: more than the balance is refused, becomes a credit, or is swallowed.
    ``per_second``: requests answered within one second of the clock, 0 for no limit.
    """

    exported: Exported = "transferred_payable"
    export_shows: bool = True
    get_closed: bool = True
    closed_code: str = "402119"
    echo_external_id: bool = True
    late_apply_s: int = 0
    overpay: Overpay = "refuse"
    per_second: int = 0


class AlmaError(Exception):
    """Alma says no: always HTTP 400 with a code and a sentence, also for "not found"."""

    def __init__(self, code: str, text: str) -> None:
        """Keep both parts; they travel in the error list."""
        super().__init__(text)
        self.code = code
        self.text = text


def not_valid(what: str) -> AlmaError:
    """Refuse a parameter."""
    return AlmaError("401666", f"Parameter is not valid: {what}.")


@dataclass(frozen=True, slots=True)
class User:
    """A patron: ``primary_id`` (any case), and further identifiers as (type, value) pairs (exact case)."""

    primary_id: str
    identifiers: tuple[tuple[str, str], ...] = ()
    first_name: str = ""
    last_name: str = ""

    def known_as(self, value: str, id_type: str) -> bool:
        """Tell whether ``value`` is this patron's identifier of that type; ``all_unique`` looks at every type."""
        primary = value.casefold() == self.primary_id.casefold()
        if id_type == "all_unique":
            return primary or any(value == known for _, known in self.identifiers)
        return primary if id_type == "userName" else (id_type, value) in self.identifiers

    def identifier(self, id_type: str) -> str:
        """Give the patron's identifier of a type, or nothing."""
        if id_type == "userName":
            return self.primary_id
        return next((value for kind, value in self.identifiers if kind == id_type), "")


@dataclass(frozen=True, slots=True)
class Transaction:
    """One thing that happened to a fee.  ``cents`` are positive; ``external_id`` is kept even where Alma hides it."""

    transaction_id: str
    kind: str
    cents: int
    time: str
    method: str = ""
    reason: str = ""
    comment: str = ""
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class Fee:
    """A fee of a patron, in cents.  A credit has negative cents.  Times are ISO, UTC, with milliseconds."""

    fee_id: str
    primary_id: str
    kind: str
    original_cents: int
    balance_cents: int
    status: str
    creation_time: str
    status_time: str
    owner: str = ""
    title: str = ""
    barcode: str = ""
    comment: str = ""
    bursar_id: str = ""
    transactions: tuple[Transaction, ...] = ()


@dataclass(frozen=True, slots=True)
class PayRequest:
    """One ``op=pay`` as it was asked for."""

    fee_id: str
    cents: int
    method: str
    external_id: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """A payment that really happened, whatever the caller was told."""

    request: PayRequest
    time: str


def user_from(state: Mapping[str, Any]) -> User:
    """Rebuild a patron from saved JSON."""
    pairs = tuple((kind, value) for kind, value in state["identifiers"])
    return User(**{**state, "identifiers": pairs})


def fee_from(state: Mapping[str, Any]) -> Fee:
    """Rebuild a fee from saved JSON."""
    return Fee(**{**state, "transactions": tuple(Transaction(**row) for row in state["transactions"])})


def applied_from(state: Mapping[str, Any]) -> Applied:
    """Rebuild a payment from saved JSON."""
    return Applied(PayRequest(**state["request"]), state["time"])


def stamp(moment: datetime) -> str:
    """Write a moment as Alma does: ISO, UTC, milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
