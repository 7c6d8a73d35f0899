"""Talk to Alma: list a patron's fees, read one fee, pay one fee; three kinds of call and never another."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from urllib.parse import quote, urlencode, urlsplit

from pipeline.adapters.alma_answer import Answered, UnreadableError, list_of_fees, one_fee
from pipeline.adapters.alma_verdict import TOO_MANY, of_payment, of_question
from pipeline.money import dollars
from pipeline.ports.outside import Busy, Lost, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import httpx2

    from pipeline.adapters.pace import Pace
    from pipeline.ports.outside import AlmaFee, PayOrder

SHAPES = (
    re.compile(r"GET /almaws/v1/users/[^/?]+/fees\?user_id_type=[^&]+&status=[A-Z]+"),
    re.compile(r"GET /almaws/v1/users/[^/?]+/fees/[0-9A-Za-z_-]+\?user_id_type=[^&]+"),
    re.compile(
        r"POST /almaws/v1/users/[^/?]+/fees/[0-9A-Za-z_-]+\?user_id_type=[^&]+&op=pay&amount=[0-9]+\.[0-9]{2}&.+"
    ),
)
"""The only calls there are.  A key that may read users may do far worse things than these."""

FEE_ID = re.compile(r"(?!all$)[0-9A-Za-z_-]{1,64}", re.ASCII | re.IGNORECASE)
"""``all`` would let Alma choose which fees are paid."""

KEY = re.compile(r"[!-~]+", re.ASCII)
LOOPBACK = ("127.0.0.1", "::1", "localhost")
PATH_DOTS = (".", "..")
BREATH_S = 1.0


@dataclass(frozen=True)
class AlmaSettings:
    """Where Alma answers and how we call her.

    ``institution`` is how every fee id of ours ends (a wrong key's answers end otherwise; "" does not look);
    ``reserve`` how many requests of the day we leave to others; ``id_types`` what a type is called here if not as in
    the export.  Times are in seconds.
    """

    url: str
    key: str = field(repr=False)
    reserve: int = 0
    institution: str = ""
    id_types: Mapping[str, str] = field(default_factory=dict)
    connect_s: float = 10.0
    read_s: float = 60.0


class AlmaHttp:
    """AlmaFees over HTTPS.  ``remaining`` is how many requests Alma says are left for the day, None before she spoke.

    One request a call: nothing is repeated, no redirect is followed, no proxy of the environment is used.  Making one
    raises Refused (``system``) for an address that is not encrypted or a key that cannot be one.
    """

    def __init__(self, settings: AlmaSettings, pace: Pace) -> None:
        self.remaining: int | None = None
        self._settings = settings
        self._pace = pace
        self._client = client(settings, "application/json")

    def __enter__(self) -> Self:
        """Give itself; connections are closed at the end."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the connections."""
        self._client.close()

    def list_fees(self, patron_id: str, patron_id_type: str, status: str) -> Sequence[AlmaFee]:
        """As AlmaFees.  Refused OTHER-PATRON when Alma answers with somebody else's fees."""
        code, body = self._ask(f"{_fees_of(patron_id)}?{self._query(patron_id_type, status=status)}")
        of_question(code, body, "listing fees")
        try:
            return self._believed(list_of_fees(body), patron_id, patron_id_type)
        except UnreadableError as error:
            text = f"HTTP {code} to a question, with {error}"
            raise Busy(text) from None

    def get_fee(self, patron_id: str, patron_id_type: str, fee_id: str) -> AlmaFee:
        """As AlmaFees.  Refused CLOSED-FEE when Alma does not show a fee because it is closed."""
        code, body = self._ask(f"{_fee_of(patron_id, fee_id)}?{self._query(patron_id_type)}")
        of_question(code, body, "reading a fee")
        try:
            (fee,) = self._believed([one_fee(body)], patron_id, patron_id_type)
        except UnreadableError as error:
            text = f"HTTP {code} to a question, with {error}"
            raise Busy(text) from None
        if fee.fee_id != fee_id:
            text = "Alma answered with another fee than was asked for"
            raise Busy(text)
        return fee

    def pay(self, order: PayOrder) -> AlmaFee:
        """As AlmaFees."""
        self._same_institution([order.fee_id])
        query = self._query(
            order.patron_id_type,
            op="pay",
            amount=dollars(order.cents),
            method=order.method,
            comment=order.comment,
            external_transaction_id=order.external_id,
        )
        code, body = self._exchange("POST", f"{_fee_of(order.patron_id, order.fee_id)}?{query}")
        return of_payment(code, body, order)

    def _ask(self, path: str) -> tuple[int, bytes]:
        """A question changes nothing, so an answer that is lost may simply be asked for again."""
        try:
            return self._exchange("GET", path)
        except Lost as lost:
            raise Busy(str(lost)) from None

    def _exchange(self, method: str, path: str) -> tuple[int, bytes]:
        """Send one request.  Raises Busy if no byte of it left, Lost if its answer did not come whole."""
        import httpx2

        self._mind_the_reserve()
        if not any(shape.fullmatch(f"{method} {path}") for shape in SHAPES):
            _not_our_call("this is none of the three calls we make to Alma")
        self._pace.slot()
        try:
            answer = self._client.request(method, self._settings.url.rstrip("/") + path)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            text = f"no connection to Alma ({type(error).__name__})"
            raise Busy(text) from None
        except (httpx2.HTTPError, OSError) as error:
            text = f"Alma's answer did not come whole ({type(error).__name__})"
            raise Lost(text) from None
        if answer.status_code == TOO_MANY:
            self._pace.back_off(BREATH_S)
        left = answer.headers.get("X-Exl-Api-Remaining", "")
        self.remaining = int(left) if left.isascii() and left.isdigit() else self.remaining
        return answer.status_code, answer.content

    def _mind_the_reserve(self) -> None:
        if self.remaining is not None and self.remaining < self._settings.reserve:
            text = f"only {self.remaining} requests are left for today, and {self._settings.reserve} are left to others"
            raise Refused(text, scope="system", code="API-RESERVE")

    def _believed(self, answered: Iterable[Answered], patron_id: str, patron_id_type: str) -> list[AlmaFee]:
        """A primary id comes back with every fee, in any case; other identifiers do not and cannot be compared."""
        given = list(answered)
        others = {one.patron.casefold() for one in given} - {"", patron_id.casefold()}
        if patron_id_type == "userName" and others:
            text = "Alma answered with the fees of another patron"
            raise Refused(text, code="OTHER-PATRON")
        self._same_institution(one.fee.fee_id for one in given)
        return [one.fee for one in given]

    def _same_institution(self, fee_ids: Iterable[str]) -> None:
        if not all(fee_id.endswith(self._settings.institution) for fee_id in fee_ids):
            text = "the fees are another institution's: the key or the address is a wrong one"
            raise Refused(text, scope="system", code="WRONG-INSTITUTION")

    def _query(self, patron_id_type: str, **more: str) -> str:
        """The exact type, always: without it another patron's barcode may equal this patron's number."""
        named = self._settings.id_types.get(patron_id_type, patron_id_type)
        return urlencode({"user_id_type": named, **more}, quote_via=quote, safe="")


def client(settings: AlmaSettings, accept: str) -> httpx2.Client:
    """Make what calls Alma: nothing is repeated, no redirect is followed, no proxy of the environment is used.

    The key goes in a header, never into an address.  Raises Refused (``system``) as AlmaHttp does.
    """
    import httpx2

    _check(settings)
    # The library's own log names each address, and there are patrons' ids in it.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    return httpx2.Client(
        headers={"Authorization": f"apikey {settings.key}", "Accept": accept},
        timeout=httpx2.Timeout(settings.read_s, connect=settings.connect_s),
        transport=httpx2.HTTPTransport(verify=True, trust_env=False, retries=0),
        follow_redirects=False,
        trust_env=False,
    )


def _check(settings: AlmaSettings) -> None:
    where = urlsplit(settings.url)
    if where.scheme != "https" and where.hostname not in LOOPBACK:
        text = "Alma's address must begin with https://"
        raise Refused(text, scope="system", code="URL")
    if KEY.fullmatch(settings.key) is None:
        text = "Alma's API key is empty or holds blanks or characters that no key has"
        raise Refused(text, scope="system", code="KEY")


def _fees_of(patron_id: str) -> str:
    if not patron_id or patron_id in PATH_DOTS:
        _not_our_call("the patron's id is none")
    return f"/almaws/v1/users/{quote(patron_id, safe='')}/fees"


def _fee_of(patron_id: str, fee_id: str) -> str:
    if FEE_ID.fullmatch(fee_id) is None:
        _not_our_call("the fee's id is none that Alma gives")
    return f"{_fees_of(patron_id)}/{fee_id}"


def _not_our_call(why: str) -> None:
    text = f"{why}; nothing was sent"
    raise Refused(text, code="NOT-OUR-CALL")
