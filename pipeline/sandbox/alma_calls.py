"""What each call to the Alma of the box does: from a request to an answer, or to Alma's refusal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pipeline.money import NotMoneyError, cents
from pipeline.sandbox import shapes
from pipeline.sandbox.mischief import Call
from pipeline.sandbox.records import CLOSED, STATUSES, AlmaError, Fee, PayRequest, User, not_valid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.sandbox.analytics import Analytics
    from pipeline.sandbox.world import World

BASE = "/almaws/v1"
LONGEST_PERIOD = timedelta(days=7)


_PATHS = (
    ("GET", ("users", "test"), Call.TEST_READ),
    ("POST", ("users", "test"), Call.TEST_WRITE),
    ("GET", ("analytics", "test"), Call.TEST_READ),
    ("POST", ("analytics", "test"), Call.TEST_WRITE),
    ("GET", ("users", "*"), Call.GET_USER),
    ("GET", ("users", "*", "fees"), Call.LIST_FEES),
    ("POST", ("users", "*", "fees", "all"), Call.PAY_ALL),
    ("GET", ("users", "*", "fees", "*"), Call.GET_FEE),
    ("POST", ("users", "*", "fees", "*"), Call.FEE_OP),
    ("GET", ("conf", "utilities", "fee-transactions"), Call.FEE_REPORT),
    ("GET", ("analytics", "reports"), Call.ANALYTICS),
)
"""Every path this Alma knows, the narrower ones first; ``*`` is any one segment."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: ``parts`` are the decoded path segments after the base, ``accept`` what the caller wants."""

    call: Call
    parts: tuple[str, ...]
    query: Mapping[str, str]
    accept: str = ""

    @property
    def fee_id(self) -> str:
        """The fee it is about, if it is about one."""
        return self.parts[3] if self.call in (Call.GET_FEE, Call.FEE_OP) else ""


@dataclass(frozen=True, slots=True)
class Text:
    """An answer that is XML whatever was asked for."""

    xml: str


@dataclass(frozen=True, slots=True)
class Tree:
    """An answer that is written as JSON or XML: the name of its root, and what is in it."""

    root: str
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Desk:
    """What a call works with; ``stale`` answers reads as of before the last change."""

    world: World
    analytics: Analytics
    base: str
    stale: bool = False


def request_of(method: str, path: str, query: Mapping[str, str], accept: str) -> Request:
    """Recognise a call.  Segments are decoded one by one, because patrons' ids may hold a slash."""
    parts = tuple(unquote(part) for part in path.removeprefix(BASE).strip("/").split("/"))
    known = path.startswith(f"{BASE}/")
    return Request(_recognised(method, parts) if known else Call.UNKNOWN, parts, query, accept)


def _recognised(method: str, parts: tuple[str, ...]) -> Call:
    for known, pattern, call in _PATHS:
        fits = len(parts) == len(pattern) and all(
            want in ("*", part) for want, part in zip(pattern, parts, strict=True)
        )
        if method == known and fits:
            return call
    return Call.UNKNOWN


def answer(desk: Desk, request: Request) -> Text | Tree:
    """Do what was asked and describe the outcome.  Raises AlmaError; then nothing has changed."""
    return _CALLS[request.call](desk, request)


def pay_request(desk: Desk, request: Request) -> PayRequest | None:
    """Read a payment out of a request, or None if it is no payment.  Raises AlmaError."""
    if request.call is not Call.FEE_OP or request.query.get("op") != "pay":
        return None
    fee = desk.world.fee_of(_user(desk, request), request.fee_id)
    query = request.query
    external_id, comment = query.get("external_transaction_id", ""), query.get("comment", "")
    return PayRequest(fee.fee_id, _amount(query), query.get("method", ""), external_id, comment)


def _amount(query: Mapping[str, str]) -> int:
    try:
        return cents(query.get("amount", ""))
    except NotMoneyError:
        what = "amount"
        raise not_valid(what) from None


def _user(desk: Desk, request: Request) -> User:
    found = desk.world.find_user(request.parts[1], request.query.get("user_id_type", "all_unique"))
    if found is None:
        code = "401651"
        raise AlmaError(code, f"Identifier not found: {request.parts[1]}.")
    return found


def _shown(desk: Desk, fee: Fee) -> Tree:
    echo = desk.world.switches.echo_external_id
    return Tree("fee", shapes.fee(fee, desk.base, echo_external_id=echo))


def _list_fees(desk: Desk, request: Request) -> Tree:
    user = _user(desk, request)
    status = request.query.get("status", "ACTIVE")
    if status not in STATUSES:
        what = "status"
        raise not_valid(what)
    listed = desk.world.fees_of(user, status, stale=desk.stale)
    echo = desk.world.switches.echo_external_id
    return Tree("fees", shapes.fees(listed, desk.base, count=len(listed), echo_external_id=echo))


def _get_fee(desk: Desk, request: Request) -> Tree:
    world = desk.world
    fee = world.seen(world.fee_of(_user(desk, request), request.fee_id), stale=desk.stale)
    if fee.status == CLOSED and not world.switches.get_closed:
        raise world.closed_error()
    return _shown(desk, fee)


def _fee_op(desk: Desk, request: Request) -> Tree:
    payment = pay_request(desk, request)
    if payment is not None:
        return _shown(desk, desk.world.pay(payment))
    fee = desk.world.fee_of(_user(desk, request), request.fee_id)
    query = request.query
    match query.get("op"):
        case "waive":
            done = desk.world.waive(fee, _amount(query), query.get("reason", ""), query.get("comment", ""))
        case "dispute":
            done = desk.world.dispute(fee)
        case "restore":
            done = desk.world.restore(fee)
        case _:
            what = "op"
            raise not_valid(what)
    return _shown(desk, done)


def _pay_all(desk: Desk, request: Request) -> Tree:
    """Alma spreads such a payment as it likes, so nobody could say which fee was paid: the product must never ask."""
    code = "SANDBOX_FORBIDDEN"
    text = f"/fees/all is never to be called (user {request.parts[1]} of {len(desk.world.users)})"
    raise AlmaError(code, text)


def _get_user(desk: Desk, request: Request) -> Tree:
    id_type = request.query.get("user_id_type", "all_unique")
    found = desk.world.find_user(request.parts[1], id_type)
    if found is None:
        code = "401861" if id_type == "all_unique" else "401890"
        of_type = "" if id_type == "all_unique" else f" of type {id_type}"
        raise AlmaError(code, f"User with identifier {request.parts[1]}{of_type} was not found.")
    balance = sum(fee.balance_cents for fee in desk.world.fees_of(found, "ACTIVE"))
    return Tree("user", shapes.user(found, balance, desk.base))


def _test(_desk: Desk, request: Request) -> Text:
    read = request.call is Call.TEST_READ
    return Text(f"<test>{'GET - OK - institutionCode: 01SANDBOX_INST' if read else 'POST - OK'}</test>")


def _analytics(desk: Desk, request: Request) -> Text | Tree:
    page = desk.analytics.page(request.query)
    return Tree("report", {"anies": [page]}) if "json" in request.accept else Text(page)


def _fee_report(desk: Desk, request: Request) -> Tree:
    """List the fees with payments or waives of at most a week; ``limit`` counts fees, not transactions."""
    first, last = _period(desk, request.query)
    kinds = _kinds(request.query.get("transaction_type", "BOTH"))
    owner = request.query.get("owner", "")
    found = []
    for fee in desk.world.fees.values():
        rows = tuple(row for row in fee.transactions if row.kind in kinds and first <= row.time[:10] <= last)
        if rows and owner in ("", fee.owner):
            found.append(replace(fee, transactions=rows))
    start, limit = _number(request.query, "offset", 0), min(100, _number(request.query, "limit", 10))
    echo = desk.world.switches.echo_external_id
    page = found[start : start + limit]
    return Tree("fees", shapes.fees(page, desk.base, count=len(found), echo_external_id=echo))


def _period(desk: Desk, query: Mapping[str, str]) -> tuple[str, str]:
    today = desk.world.clock.now().astimezone(UTC).date().isoformat()
    first = query.get("transaction_from_date") or today
    last = query.get("transaction_to_date") or first
    try:
        length = date.fromisoformat(last) - date.fromisoformat(first)
    except ValueError:
        length = -LONGEST_PERIOD
    if not timedelta() <= length <= LONGEST_PERIOD:
        code = "40166411"
        raise AlmaError(code, "An error has occurred in setting from and/or to dates.")
    return first, last


def _kinds(wanted: str) -> tuple[str, ...]:
    kinds = {"BOTH": ("PAYMENT", "WAIVE"), "PAYMENT": ("PAYMENT",), "WAIVE": ("WAIVE",)}
    if wanted not in kinds:
        code = "40166419"
        raise AlmaError(code, "An error has occurred in setting transaction type.")
    return kinds[wanted]


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, "")
    return int(text) if text.isdigit() else default


_CALLS: Mapping[Call, Callable[[Desk, Request], Text | Tree]] = {
    Call.LIST_FEES: _list_fees,
    Call.GET_FEE: _get_fee,
    Call.FEE_OP: _fee_op,
    Call.PAY_ALL: _pay_all,
    Call.GET_USER: _get_user,
    Call.TEST_READ: _test,
    Call.TEST_WRITE: _test,
    Call.FEE_REPORT: _fee_report,
    Call.ANALYTICS: _analytics,
}
