"""Judge by a fee, as Alma shows it now, which of the amounts that we handed over for it she has imported."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.stages.attempt import CLOCKS_DIFFER
from pipeline.stages.external import OURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.ports.ledger import Posting
    from pipeline.ports.outside import AlmaFee, AlmaTransaction

EXPORT, IMPORT, PAY = "EXPORT", "IMPORT", "PAY"
"""What the kinds of transactions are told by; the codes themselves are a library's own, and no list is published."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one import file says of a fee: the file and when it was sent, and the payments that it stands for."""

    file: str
    sent_at: datetime
    postings: tuple[Posting, ...]

    @property
    def cents(self) -> int:
        """What the file says was paid of the fee."""
        return sum(one.cents for one in self.postings)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The entries that Alma has imported, each with the evidence; ``too_much`` says so if she has imported more."""

    imported: tuple[tuple[Entry, str], ...]
    too_much: str = ""


def judge(entries: Sequence[Entry], fee: AlmaFee) -> Verdict:
    """Set the entries of a fee, all there ever were and oldest first, against what happened on it since.

    Each needs a transaction of its own: an import of exactly its cents, else a payment of exactly its cents by nobody
    we know, made since its file was sent.  Where Alma shows no transaction, a balance that fell by its cents, for no
    reason that the fee gives, counts as well.  A waiver is such a reason: it is no payment.  The export is another
    where it closed the fee: nothing is left there that an import could bring down.
    """
    since = [one for one in fee.transactions if _time(one) is not None]
    left = sorted((one for one in since if _is_import(one) or _is_payment(one)), key=_is_payment)
    fell = 0 if _closed_by_export(fee) else _fell(fee)
    found: list[tuple[Entry, str]] = []
    for entry in entries:
        fitting = [one for one in left if one.cents == entry.cents and _is_since(one, entry)]
        if fitting:
            one = fitting[0]
            left.remove(one)
            found.append((entry, f"{dollars(entry.cents)} by transaction {one.transaction_id}, {one.kind}"))
        elif fell >= entry.cents:
            fell -= entry.cents
            found.append((entry, f"the balance fell by {dollars(entry.cents)}; the fee is {fee.status}"))
    return Verdict(tuple(found), _too_much(entries, since))


def unaccounted(fee: AlmaFee, since: datetime) -> int:
    """Add up the cents that came off a fee since then: imported, paid by nobody we know, or for no reason it gives."""
    found = [one for one in fee.transactions if _is_import(one) or _is_payment(one)]
    paid = sum(one.cents for one in found if (time := _time(one)) is None or time >= since)
    return paid + max(0, _fell(fee))


def _fell(fee: AlmaFee) -> int:
    """Say by how many cents the balance fell for no reason that the fee gives; what the export left is none."""
    return fee.original_cents - fee.balance_cents - sum(one.cents for one in fee.transactions if not _is_export(one))


def _closed_by_export(fee: AlmaFee) -> bool:
    """Whether the trace of the export itself accounts for the balance (see ``look.sums_close``)."""
    taken_off = sum(one.cents for one in fee.transactions)
    return any(_is_export(one) for one in fee.transactions) and taken_off == fee.original_cents - fee.balance_cents


def _too_much(entries: Sequence[Entry], transactions: Sequence[AlmaTransaction]) -> str:
    """A file that was imported twice pays twice, and the second time becomes a credit."""
    imported = sum(one.cents for one in transactions if _is_import(one) and _is_since(one, entries[0]))
    listed = sum(one.cents for one in entries)
    if imported <= listed:
        return ""
    return f"Alma has imported {dollars(imported)} on it, and all files together say {dollars(listed)}"


def _is_export(one: AlmaTransaction) -> bool:
    return one.kind.upper().startswith(EXPORT)


def _is_import(one: AlmaTransaction) -> bool:
    return IMPORT in one.kind.upper() and not _is_export(one)


def _is_payment(one: AlmaTransaction) -> bool:
    kind = one.kind.upper()
    mine = OURS.fullmatch(one.external_id) is not None
    return PAY in kind and not mine and not _is_export(one) and not _is_import(one)


def _is_since(one: AlmaTransaction, entry: Entry) -> bool:
    time = _time(one)
    return time is not None and time >= entry.sent_at - CLOCKS_DIFFER


def _time(one: AlmaTransaction) -> datetime | None:
    """Read when it happened (ISO, UTC); a time that cannot be read proves nothing."""
    try:
        time = datetime.fromisoformat(one.time)
    except ValueError:
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
