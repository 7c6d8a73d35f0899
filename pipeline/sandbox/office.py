"""The bursar's office of the box: picks up what the library delivers, keeps its books, and sends back what was paid."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pipeline import files
from pipeline.sandbox import office_answers, office_inbox
from pipeline.sandbox.accounts import Accounts, Payment, System, first_payments
from pipeline.sandbox.office_inbox import UnacceptableError
from pipeline.sandbox.sftp_accidents import TAKEN, is_final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from pathlib import Path

SYSTEMS: tuple[System, ...] = ("peoplesoft", "cashnet")
FOLDERS = ("in", "out", "rejects", "loaded", "refused", TAKEN)
"""Each system's folders: what is delivered, what comes back, rejected lines, what was read, what was not accepted, and
what a greedy consumer has taken away from ``in``."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one delivered file: its group number, and why it was refused or how many lines did not post."""

    system: System
    name: str
    sha: str
    group: int
    refused: str = ""
    rejected_lines: int = 0


@dataclass(frozen=True, slots=True)
class Day:
    """What the office did in one business day."""

    receipts: tuple[Receipt, ...]
    payments: tuple[Payment, ...]
    written: tuple[Path, ...]


class Office:
    """Works in ``root``, the folder that the SFTP server shows; remembers everything in ``memory``, a JSON file.

    ``seed`` decides who pays what on the first business day of each system.  After that day nobody pays of their own
    accord: ask with ``accounts.pay``, ``accounts.pay_together`` or ``accounts.refund``, then call ``business_day``.
    """

    def __init__(self, root: Path, memory: Path, seed: int) -> None:
        """Go on where the memory ends, or begin with empty books."""
        self.root = root
        self._memory = memory
        self._seed = seed
        self.accounts = Accounts()
        self.receipts: list[Receipt] = []
        self._paid_once: list[System] = []
        self._delivered = 0
        self._batches: list[str] = []
        for system in SYSTEMS:
            for folder in FOLDERS:
                files.private_folder(root / system / folder)
        if memory.exists():
            self._recall(json.loads(memory.read_text("utf-8")))

    def business_day(self, on: date) -> Day:
        """Pick up what was delivered, let patrons pay if it is a system's first day, write the day's answers.

        PeopleSoft's report is the whole history again under a new name; CASHNet's file holds what was paid since the
        last one, and is not written when nothing was.
        """
        receipts = tuple(self.pick_up())
        before = self._delivered
        for system in SYSTEMS:
            self._first_day(system, on)
        written = (*self._report_paid(on), *self._report_payments(on))
        payments = tuple(self.accounts.payments[before:])
        self._delivered = len(self.accounts.payments)
        self._remember()
        return Day(receipts, payments, written)

    def pick_up(self) -> list[Receipt]:
        """Read every delivered file that has its final name, in the order of the names, and move it out of the way."""
        return [self._receive(system, path) for system in SYSTEMS for path in self._delivered_files(system)]

    def _delivered_files(self, system: System) -> list[Path]:
        inboxes = (self.root / system / "in", self.root / system / TAKEN)
        found = (path for inbox in inboxes for path in inbox.iterdir() if path.is_file() and is_final(path.name))
        return sorted(found, key=lambda path: path.name)

    def _receive(self, system: System, path: Path) -> Receipt:
        data = path.read_bytes()
        sha, group = hashlib.sha256(data).hexdigest(), len(self.receipts) + 1
        try:
            self._refuse_repeats(system, path.name, sha)
            rejected = self._load(system, path.name, data, group)
            receipt = Receipt(system, path.name, sha, group, "", rejected)
        except UnacceptableError as refusal:
            receipt = Receipt(system, path.name, sha, group, str(refusal))
        self.receipts.append(receipt)
        self._remember()
        path.replace(self.root / system / ("refused" if receipt.refused else "loaded") / f"{group:06d}_{path.name}")
        return receipt

    def _refuse_repeats(self, system: System, name: str, sha: str) -> None:
        loaded = [receipt for receipt in self.receipts if receipt.system == system and not receipt.refused]
        same = next((receipt for receipt in loaded if receipt.sha == sha), None)
        if same is not None:
            why = f"the same content was loaded as {same.name}"
            raise UnacceptableError(why)
        if any(receipt.name == name for receipt in loaded):
            why = "a file of this name was loaded with other content"
            raise UnacceptableError(why)

    def _load(self, system: System, name: str, data: bytes, group: int) -> int:
        """Post a file; the answer is how many of its lines did not post."""
        if system == "cashnet":
            self._refuse_older(name)
            self.accounts.take_snapshot(office_inbox.open_items(data))
            return 0
        kind, lines = office_inbox.charge_lines(name, data)
        told = [(line, line.fault or self.accounts.post(line, kind)) for line in lines]
        faults = [(line, message) for line, message in told if message]
        if faults:
            errors = self.root / system / "rejects" / f"LIB_ERRORS_{group:015d}.csv"
            files.publish(errors, [office_answers.rejected_lines(group, faults)])
        return len(faults)

    def _refuse_older(self, name: str) -> None:
        place = office_inbox.place_in_order(name)
        loaded = [receipt.name for receipt in self.receipts if receipt.system == "cashnet" and not receipt.refused]
        if any(office_inbox.place_in_order(earlier) >= place for earlier in loaded):
            why = "a newer snapshot was loaded already"
            raise UnacceptableError(why)

    def _first_day(self, system: System, on: date) -> None:
        owed = self.accounts.owed(system)
        if not owed or system in self._paid_once:
            return
        self._paid_once.append(system)
        by_payer: dict[str, list[tuple[str, int]]] = {}
        for reference, cents in first_payments(owed, self._seed):
            by_payer.setdefault(self._payer(system, reference), []).append((reference, cents))
        for payer in sorted(by_payer):
            self.accounts.pay_together(system, by_payer[payer], on)

    def _payer(self, system: System, reference: str) -> str:
        if system == "peoplesoft":
            return self.accounts.items[reference].emplid
        return self.accounts.open_items[reference].custcode

    def _report_paid(self, on: date) -> Iterator[Path]:
        if self.accounts.items:
            path = self.root / "peoplesoft" / "out" / f"LIBRARY_PAID_{on:%Y%m%d}.csv"
            files.replace(path, [office_answers.paid_report(self.accounts)])
            yield path

    def _report_payments(self, on: date) -> Iterator[Path]:
        new = [payment for payment in self.accounts.payments[self._delivered :] if payment.system == "cashnet"]
        if new:
            self._batches.append(on.isoformat())
            name = f"CASHNET_PAYMENTS_{on:%Y%m%d}_{self._batches.count(on.isoformat()):02d}.csv"
            path = self.root / "cashnet" / "out" / name
            batch = 1_200 + len(self._batches)
            files.publish(path, [office_answers.payments_file(new, self.accounts.open_items, batch)])
            yield path

    def _remember(self) -> None:
        state = {
            "accounts": self.accounts.state(),
            "receipts": [asdict(receipt) for receipt in self.receipts],
            "paid_once": self._paid_once,
            "delivered": self._delivered,
            "batches": self._batches,
        }
        files.replace(self._memory, [json.dumps(state, indent=1).encode()])

    def _recall(self, state: Mapping[str, Any]) -> None:
        self.accounts = Accounts.from_state(state["accounts"])
        self.receipts = [Receipt(**row) for row in state["receipts"]]
        self._paid_once = list(state["paid_once"])
        self._delivered = state["delivered"]
        self._batches = list(state["batches"])
