"""The bursar export job of the box's Alma: writes the export file, and does to the fees what the export does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from pipeline import files
from pipeline.money import NotMoneyError, cents
from pipeline.sandbox.records import ACTIVE, User
from pipeline.sandbox.shapes import stripped
from pipeline.sandbox.world import CURRENCY, INSTITUTION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.sandbox.records import Fee
    from pipeline.sandbox.world import World

NAMESPACE = "http://com/exlibris/urm/rep/externalsysfinesfees/xmlbeans"
NIL = 'xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


@dataclass(frozen=True, slots=True)
class ExportJob:
    """One run of a bursar export profile.  ``id_type`` is the profile's match id type; ``userName`` is the primary id.

    The file is named ``<profile>-<job_id>-<stamp>.xml``.  ``counters`` is the name of the file that says how many fees
    and patrons there are in it; "" for a library that has nobody write one.
    """

    profile: str
    job_id: str
    stamp: str
    id_type: str = "02"
    counters: str = ""

    @property
    def file_name(self) -> str:
        """The name Alma gives the file."""
        return f"{self.profile}-{self.job_id}-{self.stamp}.xml"


def export(world: World, job: ExportJob, folder: Path) -> Path:
    """Export every active fee of every patron who has the job's id type, and give the file.

    Fees in dispute stay.  The fees are closed or transferred as the world's switch says, so running it again exports
    nothing twice.  Raises AlreadyThereError when a file of that name exists.
    """
    with world.together():
        number = world.new_id()
        taken = [(user, world.fees_of(user, ACTIVE)) for user in world.users if user.identifier(job.id_type)]
        sent = [(user, [world.exported(fee, job.profile) for fee in fees]) for user, fees in taken if fees]
        owed = {fee.fee_id: fee.balance_cents for _, fees in taken for fee in fees}
        text = "".join(_document(number, job.id_type, sent, owed))
    path = folder / job.file_name
    files.publish(path, [text.encode()])
    if job.counters:
        files.publish(folder / job.counters, [job_end(job, len(sent), len(owed)).encode()])
    return path


def job_end(job: ExportJob, users: int, fees: int) -> str:
    """Write what Alma says when the job ends (its JOB_END message); counters are text."""
    kinds = {"user_count": ("users", users), "fines_fees_count": ("fines and fees", fees)}
    counter = [
        {
            "type": {"value": f"com.exlibris.external.bursar.report.{kind}", "desc": f"Total number of {what}"},
            "value": str(count),
        }
        for kind, (what, count) in kinds.items()
    ]
    status = {"value": "COMPLETED_SUCCESS"}
    said = {"name": f"Bursar export {job.profile}", "id": job.job_id, "status": status, "counter": counter}
    return json.dumps({"action": "JOB_END", "job_instance": said}, indent=1)


def _document(number: str, id_type: str, sent: list[tuple[User, list[Fee]]], owed: dict[str, int]) -> Iterator[str]:
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<xb:xml-fragment xmlns:xb="{NAMESPACE}">'
    yield f"<xb:userExportedFineFees>{_text('exportNumber', number)}</xb:userExportedFineFees>"
    yield "<xb:userExportedFineFees><xb:userExportedList>"
    for user, fees in sent:
        institution = "null" if id_type == "userName" else INSTITUTION
        yield "<xb:userExportedFineFeesList><xb:user>"
        yield f"{_text('type', id_type)}{_text('value', user.identifier(id_type))}"
        yield f"<xb:owneredEntity>{_text('InstitutionId', institution)}</xb:owneredEntity></xb:user>"
        yield _text("patronName", f"{user.last_name}, {user.first_name}")
        yield f"<xb:finefeeList>{''.join(_fee(fee, owed[fee.fee_id]) for fee in fees)}</xb:finefeeList>"
        yield "</xb:userExportedFineFeesList>"
    yield "</xb:userExportedList></xb:userExportedFineFees></xb:xml-fragment>\n"


def _fee(fee: Fee, owed: int) -> str:
    """Write one fee.  A fee without an item has an empty title and none of the item's other elements."""
    moment = datetime.fromisoformat(fee.creation_time).strftime("%m/%d/%Y %H:%M:%S")
    library = f"{_text('libraryId', f'16168607{INSTITUTION.zfill(7)}')}{_text('libraryCode', fee.owner)}"
    owner = f"{_text('InstitutionId', INSTITUTION)}{library if fee.owner else ''}"
    total = f"{_text('currency', CURRENCY)}{_text('sum', stripped(owed))}<xb:vat {NIL}/>"
    return (
        f"<xb:userFineFee>{_text('fineFeeComment', fee.comment)}{_text('fineFeeType', fee.kind)}"
        f"<xb:owneredEntity>{owner}</xb:owneredEntity>{_text('lastTransactionDate', moment)}"
        f"{_item(fee) if fee.barcode else '<xb:itemTitle/>'}"
        f"<xb:compositeSum>{total}</xb:compositeSum>{_text('bursarTransactionId', fee.bursar_id)}</xb:userFineFee>"
    )


def _item(fee: Fee) -> str:
    """Write the item's elements; the call number's name is misspelt by Alma itself."""
    return (
        f"{_text('itemTitle', fee.title)}{_text('itemCallNumebr', 'QK495.C11 S64')}"
        f"{_text('itemLibrary', 'Main Library')}{_text('itemLocation', 'Stacks')}"
        f"{_text('itemInternalLocation', 'Stacks')}<xb:itemDueDate {NIL}/>{_text('itemBarcode', fee.barcode)}"
    )


def _text(name: str, text: str) -> str:
    return f"<xb:{name}>{escape(text)}</xb:{name}>" if text else f"<xb:{name} {NIL}/>"


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many fees of an export file are new in this Alma, were there already, or could be no fee of it."""

    new: int
    known: int
    left_out: int


def load(world: World, path: Path) -> Loaded:
    """Make the patrons and fees that an export file speaks of, in the state in which the export leaves them.

    ``bursarTransactionId`` becomes the fee's bursar id; its own id is another.  A fee that is there already (same
    patron, bursar id, type and sum) is not made again.  Left out are sums of zero, sums that are no amount, and other
    currencies: no fee of this Alma could have exported them.
    """
    with world.together():
        known = {(fee.primary_id, fee.bursar_id, fee.kind, fee.original_cents) for fee in world.fees.values()}
        new = met = left_out = 0
        for user, fee in _rows(world, path):
            amount = _amount(fee)
            key = (user.primary_id, _of(fee, "bursarTransactionId"), _of(fee, "fineFeeType"), amount)
            if amount == 0:
                left_out += 1
            elif key in known:
                met += 1
            else:
                known.add(key)
                _make(world, user, fee, amount)
                new += 1
    return Loaded(new, met, left_out)


def _rows(world: World, path: Path) -> Iterator[tuple[User, ET.Element]]:
    tree = ET.parse(path)  # noqa: S314 - the box only reads the exports that its owner gives it
    for patron in tree.iter(f"{{{NAMESPACE}}}userExportedFineFeesList"):
        user = _patron(world, patron)
        for fee in patron.iter(f"{{{NAMESPACE}}}userFineFee"):
            yield user, fee


def _patron(world: World, patron: ET.Element) -> User:
    id_type, value = _of(patron, "type"), _of(patron, "value")
    found = world.find_user(value, id_type)
    if found is not None:
        return found
    last, _, first = _of(patron, "patronName").partition(", ")
    if id_type == "userName":
        return world.add_user(User(value, (), first, last))
    return world.add_user(User(f"{id_type}-{value}@box.example", ((id_type, value),), first, last))


def _make(world: World, user: User, row: ET.Element, amount: int) -> None:
    fee = world.add_fee(
        user,
        _of(row, "fineFeeType"),
        amount,
        creation_time=_moment(_of(row, "lastTransactionDate")),
        owner=_of(row, "libraryCode"),
        title=_of(row, "itemTitle"),
        barcode=_of(row, "itemBarcode"),
        comment=_of(row, "fineFeeComment"),
        bursar_id=_of(row, "bursarTransactionId"),
    )
    world.exported(fee, "BURSAR")


def _amount(row: ET.Element) -> int:
    try:
        amount = cents(_of(row, "sum"))
    except NotMoneyError:
        return 0
    return amount if _of(row, "currency") == CURRENCY else 0


def _moment(text: str) -> str:
    """Read ``MM/dd/yyyy HH:mm:ss`` with or without a zone's letters; a date nobody can read becomes an old one."""
    try:
        moment = datetime.strptime(text[:19], "%m/%d/%Y %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        moment = datetime(2000, 1, 1, tzinfo=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _of(element: ET.Element, name: str) -> str:
    found = element.find(f".//{{{NAMESPACE}}}{name}")
    return (found.text or "").strip() if found is not None else ""
