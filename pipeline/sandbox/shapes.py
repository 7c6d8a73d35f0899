"""How Alma writes a fee, a list of fees and an error, in JSON and in XML (REST API, published descriptions)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from pipeline.money import dollars
from pipeline.sandbox.world import CURRENCY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline.sandbox.records import AlmaError, Fee, Transaction, User

TYPE_NAMES = {
    "CARDRENEWAL": "Card renewal",
    "CREDIT": "Credit",
    "DAMAGEDITEMFINE": "Damaged item fine",
    "DIGITIZATIONFEE": "Digitization fee",
    "DOCUMENTDELIVERYSERVICE": "Document delivery service",
    "LIBRARYCARDREPLACEMENT": "Library card replacement",
    "LOSTITEMPROCESSFEE": "Lost item process fee",
    "LOSTITEMREPLACEMENTFEE": "Lost item replacement fee",
    "OTHER": "Other",
    "OVERDUEFINE": "Overdue fine",
    "RECALLEDOVERDUEFINE": "Recalled overdue fine",
    "RENEWFEE": "Renew fee",
    "SERVICEFEE": "Service fee",
}
"""Labels of the fee types; a type without one shows its code."""

STATUS_NAMES = {"ACTIVE": "Active", "INDISPUTE": "In dispute", "EXPORTED": "Transferred", "CLOSED": "Closed"}
ATTRIBUTES = ("link", "desc", "total_record_count", "total_sum", "currency")
"""What Alma's XML writes as attributes; everything else is an element."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Cents that travel as a plain number: 1000 is ``10``, 2223 is ``22.23``, 50 is ``0.5``."""

    cents: int

    def __str__(self) -> str:
        """Write it with as few digits as Alma does."""
        return stripped(self.cents)


def stripped(cents: int) -> str:
    """Write cents as a decimal without zeros at its end, as Alma does in its export and its answers."""
    return dollars(cents).rstrip("0").rstrip(".")


def fee(record: Fee, base: str, *, echo_external_id: bool) -> dict[str, Any]:
    """Describe one fee.  A single fee has no currency; ``transaction`` and the bursar's id are left out when empty."""
    owner = f"{base}/users/{quote(record.primary_id, safe='')}"
    shown: dict[str, Any] = {
        "id": record.fee_id,
        "type": {"value": record.kind, "desc": TYPE_NAMES.get(record.kind, record.kind)},
        "status": {"value": record.status, "desc": STATUS_NAMES[record.status]},
        "user_primary_id": {"value": record.primary_id, "link": owner},
        "balance": Amount(record.balance_cents),
        "remaining_vat_amount": Amount(0),
        "original_amount": Amount(record.original_cents),
        "original_vat_amount": Amount(0),
        "creation_time": record.creation_time,
        "status_time": record.status_time,
        "owner": {"value": record.owner or "6761", "desc": record.owner or "Institution"},
    }
    shown |= {name: text for name, text in (("comment", record.comment), ("title", record.title)) if text}
    if record.barcode:
        shown["barcode"] = {"value": record.barcode, "link": f"{base}/items?item_barcode={quote(record.barcode)}"}
    if record.transactions:
        shown["transaction"] = [transaction(row, echo_external_id=echo_external_id) for row in record.transactions]
    if record.bursar_id:
        shown["bursar_transaction_id"] = record.bursar_id
    return shown | {"link": f"{owner}/fees/{record.fee_id}"}


def transaction(record: Transaction, *, echo_external_id: bool) -> dict[str, Any]:
    """Describe one transaction; only a payment has a desk and a method."""
    shown: dict[str, Any] = {
        "transaction_id": record.transaction_id,
        "type": {"value": record.kind, "desc": record.kind.replace("_", " ").capitalize()},
        "amount": Amount(record.cents),
        "vat_amount": Amount(0),
        "created_by": "Ex Libris",
        "transaction_time": record.time,
    }
    shown |= {name: text for name, text in (("reason", record.reason), ("comment", record.comment)) if text}
    if record.external_id and echo_external_id:
        shown["external_transaction_id"] = record.external_id
    if record.kind == "PAYMENT":
        shown["received_by"] = {"value": "Not At Desk", "desc": "Main Library"}
        shown["payment_method"] = {"value": record.method, "desc": record.method.replace("_", " ").capitalize()}
    return shown


def fees(records: Iterable[Fee], base: str, *, count: int, echo_external_id: bool) -> dict[str, Any]:
    """Describe a list of fees; ``fee`` is left out when there are none, and the currency stands here only."""
    listed = list(records)
    shown = {"fee": [fee(record, base, echo_external_id=echo_external_id) for record in listed]} if listed else {}
    total = Amount(sum(record.balance_cents for record in listed))
    return shown | {"total_record_count": count, "total_sum": total, "currency": CURRENCY}


def user(record: User, balance_cents: int, base: str) -> dict[str, Any]:
    """Describe a patron, as far as the matching of identifiers needs it."""
    link = f"{base}/users/{quote(record.primary_id, safe='')}"
    return {
        "primary_id": record.primary_id,
        "first_name": record.first_name,
        "last_name": record.last_name,
        "full_name": f"{record.first_name} {record.last_name}".strip(),
        "status": {"value": "ACTIVE", "desc": "Active"},
        "account_type": {"value": "INTERNAL", "desc": "Internal"},
        "user_identifier": [
            {"value": value, "id_type": {"value": kind, "desc": kind}, "status": "ACTIVE"}
            for kind, value in record.identifiers
        ],
        "fees": {"value": Amount(balance_cents), "link": f"{link}/fees"},
        "link": link,
    }


def error(refusal: AlmaError, tracking_id: str) -> dict[str, Any]:
    """Describe a refusal as JSON has it."""
    entry = {"errorCode": refusal.code, "errorMessage": refusal.text, "trackingId": tracking_id}
    return {"errorsExist": True, "errorList": {"error": [entry]}, "result": None}


def error_xml(refusal: AlmaError, tracking_id: str) -> str:
    """Write a refusal as XML has it; the gateway answers so whatever was asked for."""
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        '<web_service_result xmlns="http://com/exlibris/urm/general/xmlbeans"><errorsExist>true</errorsExist>'
        f"<errorList><error><errorCode>{escape(refusal.code)}</errorCode>"
        f"<errorMessage>{escape(refusal.text)}</errorMessage><trackingId>{tracking_id}</trackingId></error></errorList>"
        "</web_service_result>"
    )


def json_text(value: object) -> str:
    """Write JSON in which an Amount is a number, digit by digit and never by way of a float."""
    match value:
        case Amount():
            return str(value)
        case dict():
            return "{" + ",".join(f"{json.dumps(key)}:{json_text(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ",".join(json_text(item) for item in value) + "]"
        case _:
            return json.dumps(value)


def xml_text(name: str, value: Mapping[str, Any]) -> str:
    """Write the same answer as XML: a code is the element's text, its label an attribute."""
    return '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>' + _element(name, value)


def _element(name: str, value: object) -> str:
    if not isinstance(value, dict):
        return f"<{name}>{escape(str(value))}</{name}>"
    marks = "".join(f" {key}={quoteattr(str(value[key]))}" for key in ATTRIBUTES if key in value)
    inner = [_child(key, item) for key, item in value.items() if key not in ATTRIBUTES]
    return f"<{name}{marks}>{''.join(inner)}</{name}>"


def _child(key: str, item: object) -> str:
    if key == "value":
        return escape(str(item))
    if isinstance(item, list):
        return _children(key, item)
    return _element(key, item)


def _children(key: str, items: Sequence[object]) -> str:
    rows = "".join(_element(key, item) for item in items)
    return f"<{key}s>{rows}</{key}s>" if key in ("transaction", "user_identifier") else rows
