"""The bursar import job of the box's Alma: reads files of payments, and does to the fees what the import does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from pipeline.money import cents
from pipeline.sandbox.export_job import NAMESPACE
from pipeline.sandbox.world import CURRENCY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.sandbox.records import Fee
    from pipeline.sandbox.world import World

KIND = "PAYMENT_IMPORTED"
"""The transaction that an import leaves.  Its code was never published; the label is "Payment Imported"."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What one file did: payments entered and their cents, the cents that became credits, and ids that no fee has."""

    payments: int
    cents: int
    credited: int
    unknown: tuple[str, ...]


def collect(world: World, folder: Path) -> dict[str, Imported]:
    """Import every file that lies in a folder, by name, and take it away; a name with a dot in front is passed over."""
    done: dict[str, Imported] = {}
    for path in sorted(folder.glob("[!.]*.xml")):
        done[path.name] = import_file(world, path)
        path.unlink()
    return done


def import_file(world: World, path: Path) -> Imported:
    """Enter the payments of a file, as often as it is given: nothing is published that would stop a second time.

    A fee is found by its bursar transaction id, else by Alma's own.  Paid in full it is closed; what is more than its
    balance becomes a credit.
    """
    payments = paid = credited = 0
    unknown = []
    with world.together():
        for fee_id, amount in _rows(path):
            fee = _fee(world, fee_id)
            if fee is None:
                unknown.append(fee_id)
                continue
            payments, paid = payments + 1, paid + amount
            credited += world.imported(fee, amount, KIND)
    return Imported(payments, paid, credited, tuple(unknown))


def _fee(world: World, fee_id: str) -> Fee | None:
    by_bursar = (fee for fee in world.fees.values() if fee.bursar_id == fee_id)
    return next(by_bursar, None) or world.fees.get(fee_id)


def _rows(path: Path) -> Iterator[tuple[str, int]]:
    """Give bursar transaction id and amount.  Raises ValueError for another currency or an amount that pays nothing."""
    tree = ET.parse(path)  # noqa: S314 - the box only reads the files that its owner gives it
    for row in tree.iter(f"{{{NAMESPACE}}}userFineFee"):
        said = {name: row.findtext(f".//{{{NAMESPACE}}}{name}", "") for name in ("currency", "sum")}
        amount = cents(said["sum"])
        if said["currency"] != CURRENCY or amount <= 0:
            message = f"{path.name}: {said['sum']} {said['currency']} is no payment"
            raise ValueError(message)
        yield row.findtext(f"{{{NAMESPACE}}}bursarTransactionId", ""), amount
