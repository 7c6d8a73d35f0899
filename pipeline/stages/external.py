"""The id that a payment bears in Alma, by which it is always found again."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.ports.outside import AlmaFee

OURS = re.compile(r"BP[A-Z2-7]{16}-[0-9]{2}", re.ASCII)
"""What every external id of this pipeline looks like."""

MOST_SHARES = 99
"""Two digits."""


def external_id(campus_key: str, payment_key: str, number: int) -> str:
    """Make the id of a payment's share: ``BP``, 16 base32 letters of the payment's identity, ``-nn``.

    It holds neither cents nor fee nor chance, so that after a lost ledger the same payment finds its own past.  The
    digest is taken of each part's length in bytes, a colon, and the part, campus first.
    """
    if not 1 <= number <= MOST_SHARES:
        message = f"share {number} of payment {payment_key}: an external id has room for 1 to {MOST_SHARES}"
        raise ValueError(message)
    return f"{_stem(campus_key, payment_key)}-{number:02d}"


def share_number(name: str) -> int:
    """Give the number of the share in an id that ``external_id`` made."""
    return int(name.rpartition("-")[2])


def of_one_payment(name: str, ours: str) -> bool:
    """Say whether an id seen in Alma is of the same payment as one that ``external_id`` made."""
    return OURS.fullmatch(name) is not None and name.rpartition("-")[0] == ours.rpartition("-")[0]


def _stem(campus_key: str, payment_key: str) -> str:
    parts = [part.encode() for part in (campus_key, payment_key)]
    digest = hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).digest()
    return "BP" + base64.b32encode(digest)[:16].decode()


def standing(campus_key: str, payment_key: str, fees: Iterable[AlmaFee]) -> dict[int, list[tuple[str, int]]]:
    """Find what already stands in Alma under a payment's own ids: fee and cents of each, by number of the share."""
    stem = _stem(campus_key, payment_key) + "-"
    found: dict[int, list[tuple[str, int]]] = {}
    for fee in fees:
        for one in fee.transactions:
            if one.external_id.startswith(stem) and OURS.fullmatch(one.external_id):
                found.setdefault(share_number(one.external_id), []).append((fee.fee_id, one.cents))
    return found
