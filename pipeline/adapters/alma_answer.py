"""Read what Alma answers: fees in whole cents, or what she complains of; her own words are never passed on.

Shapes: Alma API, fee and fees objects (JSON key ``transaction``, ``fee`` left out when there are none, currency on the
list only) and error lists, which a gateway may send as XML whatever was asked for.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

from pipeline.money import NotMoneyError, cents
from pipeline.ports.outside import AlmaFee, AlmaTransaction

MOST_DIGITS = 12
XML_ERROR = re.compile(r"<(?:\w+:)?(errorCode|errorMessage|trackingId)>([^<]{0,500})<", re.ASCII)
WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
CLOSED_FEE = re.compile(r"closed fee", re.IGNORECASE)
BAD_KEY = re.compile(r"api.?key", re.IGNORECASE)


class UnreadableError(ValueError):
    """The answer is not what Alma's documentation promises; the text says what is wrong, never what it says."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A fee, and the primary id of the patron it belongs to ("" where the answer does not say)."""

    fee: AlmaFee
    patron: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """What an error answer complains of: its codes, the tracking id that support asks for, two messages we know."""

    codes: tuple[str, ...]
    tracking: str
    closed_fee: bool = False
    bad_key: bool = False

    def __str__(self) -> str:
        """Name code and tracking id; the message itself repeats the patron's id, so it is left out."""
        code = "/".join(self.codes) or "no code"
        return f"{code}, tracking id {self.tracking}" if self.tracking else code


def one_fee(body: bytes) -> Answered:
    """Read a single fee.  Raises UnreadableError."""
    return _fee(_object(body), "")


def list_of_fees(body: bytes) -> tuple[Answered, ...]:
    """Read a list of fees.  One that is shorter than it says it is, is not believed.  Raises UnreadableError."""
    wrapper = _object(body)
    fees = _list(wrapper, "fee")
    if wrapper.get("total_record_count") != len(fees):
        _unreadable("a list of fees that is not as long as it says")
    return tuple(_fee(fee, _text(wrapper, "currency")) for fee in fees)


def page_of_fees(body: bytes) -> tuple[tuple[Answered, ...], int]:
    """Read a page of the fee-transactions report, and how many fees there are on all pages.  Raises UnreadableError."""
    wrapper = _object(body)
    fees, total = _list(wrapper, "fee"), wrapper.get("total_record_count")
    if not isinstance(total, int) or isinstance(total, bool) or total < len(fees):
        _unreadable("a report that does not say how long it is")
    return tuple(_fee(fee, _text(wrapper, "currency")) for fee in fees), total


def trouble(body: bytes) -> Trouble:
    """Read an error answer, JSON or XML; anything else has no code.  Raises nothing."""
    try:
        errors = _json_errors(_object(body))
    except UnreadableError:
        errors = _xml_errors(body)
    words = [word for error in errors if (word := _word(error.get("errorCode")))]
    messages = " ".join(str(error.get("errorMessage")) for error in errors)
    tracking = next((word for error in errors if (word := _word(error.get("trackingId")))), "")
    complete = len(words) == len(errors)  # an error without a code is one we do not know
    return Trouble(
        tuple(words) if complete else (), tracking, bool(CLOSED_FEE.search(messages)), bool(BAD_KEY.search(messages))
    )


def _unreadable(what: str) -> NoReturn:
    raise UnreadableError(what)


def _object(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body, parse_float=Decimal, parse_constant=_unreadable)
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        _unreadable("no JSON object")
    return read


def _json_errors(answer: dict[str, Any]) -> list[dict[str, Any]]:
    inner = answer.get("web_service_result", answer)
    listed = inner.get("errorList") if isinstance(inner, dict) else None
    errors = listed.get("error") if isinstance(listed, dict) else None
    given = errors if isinstance(errors, list) else [errors]
    return [error for error in given if isinstance(error, dict)]


def _xml_errors(body: bytes) -> list[dict[str, Any]]:
    """A pattern instead of a parser: the sender is unknown, and three words are wanted."""
    errors: list[dict[str, Any]] = []
    for tag, text in XML_ERROR.findall(body[:10_000].decode("utf-8", "replace")):
        if tag == "errorCode" or not errors:
            errors.append({})
        errors[-1][tag] = text
    return errors


def _word(value: object) -> str:
    """Codes and tracking ids are single words; what is not one may be anything, a name included."""
    return value if isinstance(value, str) and WORD.fullmatch(value) else ""


def _fee(record: object, currency: str) -> Answered:
    if not isinstance(record, dict):
        _unreadable("a fee that is no object")
    listed = _list(record, "transaction")
    fee = AlmaFee(
        fee_id=_text(record, "id"),
        bursar_id=_text(record, "bursar_transaction_id"),
        status=_code(record, "status"),
        kind=_code(record, "type"),
        original_cents=_cents(record, "original_amount"),
        balance_cents=_cents(record, "balance"),
        currency=currency,
        transactions=tuple(_transaction(one) for one in listed),
    )
    if not fee.fee_id or not fee.status:
        _unreadable("a fee without id or status")
    return Answered(fee, _code(record, "user_primary_id"))


def _transaction(record: object) -> AlmaTransaction:
    if not isinstance(record, dict):
        _unreadable("a transaction that is no object")
    return AlmaTransaction(
        kind=_code(record, "type"),
        cents=_cents(record, "amount"),
        external_id=_text(record, "external_transaction_id"),
        time=_text(record, "transaction_time"),
        transaction_id=_text(record, "transaction_id"),
    )


def _list(record: dict[str, Any], key: str) -> list[object]:
    """Alma leaves a list out when it is empty; anything else that is no list may hide what is in it."""
    value = record.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        _unreadable(f"{key} is no list")
    return value


def _text(record: dict[str, Any], key: str) -> str:
    """Absent and null are nothing; a number is no text, for an id that came as a number has lost its zeros."""
    value = record.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        _unreadable(f"{key} is no text")
    return value


def _code(record: dict[str, Any], key: str) -> str:
    value = record.get(key)
    return _text(value, "value") if isinstance(value, dict) else _text(record, key)


def _cents(record: dict[str, Any], key: str) -> int:
    """A JSON number, exactly; the size is looked at first, for 1e999999999 would fill the memory."""
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        _unreadable(f"{key} is no number")
    amount = Decimal(value)
    if amount.adjusted() > MOST_DIGITS or int(amount.as_tuple().exponent) < -MOST_DIGITS:
        _unreadable(f"{key} is no amount of money")
    try:
        return cents(format(amount, "f"))
    except NotMoneyError:
        _unreadable(f"{key} is not in whole cents")
