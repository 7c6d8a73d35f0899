"""Writes the file by which Alma imports payments herself: her own export's structure, with the amounts that were paid.

There is one ``userFineFee`` a fee.  What Alma makes of a fee that stands in one file twice is written down nowhere: she
may take the second for a repeat, or for more than is owed, and more than is owed becomes a credit.  So several payments
of one fee are one amount.  Amounts are written as the export writes them, without zeros at the end (``300``, ``12.5``):
that is the one notation that was ever seen in this structure.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from pipeline.flow.lines import Line
from pipeline.money import Tally, dollars, total
from pipeline.readers import alma_count, alma_export
from pipeline.readers.alma_ids import Node
from pipeline.readers.alma_tags import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline.ports.ledger import Posting
    from pipeline.readers.alma_ids import Original

SUM, FEE_ID = "compositeSum", "bursarTransactionId"


@dataclass(frozen=True, slots=True)
class Paid:
    """What was paid of one fee: in which currency, by which postings, and how the export named it (None: not known).

    Raises ValueError unless every posting is of that fee and brings money.
    """

    currency: str
    postings: tuple[Posting, ...]
    original: Original | None = None

    def __post_init__(self) -> None:
        """Alma's import knows no money going back."""
        if len({one.alma_fee_id for one in self.postings}) != 1 or any(one.cents <= 0 for one in self.postings):
            message = f"{', '.join(one.external_id for one in self.postings)}: are no payments of one fee"
            raise ValueError(message)

    @property
    def fee_id(self) -> str:
        """The bursar transaction id by which Alma finds the fee."""
        return self.postings[0].alma_fee_id

    @property
    def cents(self) -> int:
        """What was paid."""
        return sum(one.cents for one in self.postings)

    @property
    def user(self) -> tuple[Node, ...]:
        """The patron as the export named them, else as the ledger knows them."""
        if self.original is not None and self.original.user:
            return self.original.user
        one = self.postings[0]
        return (Node("type", one.patron_id_type), Node("value", one.patron_id))


def document(paid: Sequence[Paid], export_number: str) -> Iterator[bytes]:
    """Write the file, patron by patron; the same payments give the same bytes.

    ``export_number`` is that of the newest export of these fees, "" where none is known.  Raises ValueError for a fee
    that stands there twice.
    """
    order = sorted(paid, key=lambda one: (_key(one), one.fee_id))
    if len({one.fee_id for one in order}) != len(order):
        message = "a fee stands twice in an import file"
        raise ValueError(message)
    head = _text("exportNumber", export_number) if export_number else ""
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<xb:xml-fragment xmlns:xb="{NAMESPACE}">\n'.encode()
    yield f"<xb:userExportedFineFees>{head}</xb:userExportedFineFees>\n".encode()
    yield b"<xb:userExportedFineFees><xb:userExportedList>\n"
    for _, fees in groupby(order, key=_key):
        yield from _patron(list(fees))
    yield b"</xb:userExportedList></xb:userExportedFineFees>\n</xb:xml-fragment>\n"


def _key(one: Paid) -> str:
    return "".join(_node(node) for node in one.user)


def _patron(fees: Sequence[Paid]) -> Iterator[bytes]:
    yield f"<xb:userExportedFineFeesList><xb:user>{_key(fees[0])}</xb:user><xb:finefeeList>\n".encode()
    for fee in fees:
        yield f"<xb:userFineFee>{''.join(_node(node) for node in _fee(fee))}</xb:userFineFee>\n".encode()
    yield b"</xb:finefeeList></xb:userExportedFineFeesList>\n"


def _fee(paid: Paid) -> Iterator[Node]:
    """Echo what the export said by which the fee can be found, and put what was paid in the place of what was owed."""
    money = Node(SUM, inside=(Node("currency", paid.currency), Node("sum", _plain(paid.cents))))
    received = paid.original.fee if paid.original is not None else (money, Node(FEE_ID, paid.fee_id))
    yield from (money if node.name == SUM else node for node in received)


def _plain(cents: int) -> str:
    return dollars(cents).rstrip("0").rstrip(".")


def _node(node: Node) -> str:
    inner = "".join(_node(one) for one in node.inside)
    return f"<xb:{node.name}>{inner}</xb:{node.name}>" if inner else _text(node.name, node.text)


def _text(name: str, text: str) -> str:
    return f"<xb:{name}>{escape(text)}</xb:{name}>"


def read_back(path: Path, paid: Sequence[Paid]) -> list[Line]:
    """Read a file from disk by the reader of exports and by its second count; give what stands against what was meant.

    Every fee is compared alone, so that two wrong amounts cannot make a right sum.
    """
    worth = total(Tally(1, one.cents) for one in paid)
    lines = [Line("hand_over", f"{path.name}: fees = bytes counted", worth, total(alma_count.count(path).values()))]
    meant = {(one.fee_id, one.currency): one.cents for one in paid}
    right = Tally()
    for fees in alma_export.read(path, source="", file_sha="", limits=alma_export.Limits()):
        for fee_id, currency, cents in zip(fees["fee_id"], fees["currency"], fees["amount_cents"], strict=True):
            if meant.pop((fee_id, currency), None) == cents:
                right += Tally(1, int(cents))
    return [*lines, Line("hand_over", f"{path.name}: fees = bytes read back, each alone", worth, right)]
