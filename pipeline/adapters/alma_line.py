"""One line to Alma for all who ask her: one request at a time, at her pace, minding what is left for the day."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipeline.adapters.alma_verdict import TOO_MANY
from pipeline.ports.outside import Busy, Lost, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import httpx2

    from pipeline.adapters.pace import Pace

KEY = re.compile(r"[!-~]+", re.ASCII)
LOOPBACK = ("127.0.0.1", "::1", "localhost")
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


class AlmaLine:
    """Sends requests.  ``remaining`` is how many Alma says are left for the day, None before she spoke.

    One request a call: nothing is repeated, no redirect is followed, no proxy of the environment is used.  Making one
    raises Refused (``system``) for an address that is not encrypted or a key that cannot be one.
    """

    def __init__(self, settings: AlmaSettings, pace: Pace) -> None:
        self.remaining: int | None = None
        self.settings = settings
        self._pace = pace
        self._client = client(settings, "application/json")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ask(self, shapes: Sequence[re.Pattern[str]], path: str) -> tuple[int, bytes]:
        """A question changes nothing, so an answer that is lost may simply be asked for again: Busy."""
        try:
            return self.exchange(shapes, "GET", path)
        except Lost as lost:
            raise Busy(str(lost)) from None

    def exchange(self, shapes: Sequence[re.Pattern[str]], method: str, path: str) -> tuple[int, bytes]:
        """Send one request of one of these shapes; give status and body.

        Raises Busy if no byte of it left, Lost if its answer did not come whole, Refused if nothing may be sent.
        """
        import httpx2

        self._mind_the_reserve()
        if not any(shape.fullmatch(f"{method} {path}") for shape in shapes):
            not_our_call("this is none of the calls we make to Alma")
        self._pace.slot()
        try:
            answer = self._client.request(method, self.settings.url.rstrip("/") + path)
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

    def same_institution(self, fee_ids: Iterable[str]) -> None:
        """Raise Refused (``system``) unless these fees are this institution's."""
        if not all(fee_id.endswith(self.settings.institution) for fee_id in fee_ids):
            text = "the fees are another institution's: the key or the address is a wrong one"
            raise Refused(text, scope="system", code="WRONG-INSTITUTION")

    def _mind_the_reserve(self) -> None:
        if self.remaining is not None and self.remaining < self.settings.reserve:
            text = f"only {self.remaining} requests are left for today, and {self.settings.reserve} are left to others"
            raise Refused(text, scope="system", code="API-RESERVE")


def client(settings: AlmaSettings, accept: str) -> httpx2.Client:
    """Make what calls Alma: nothing is repeated, no redirect is followed, no proxy of the environment is used.

    The key goes in a header, never into an address.  Raises Refused (``system``) as AlmaLine does.
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


def not_our_call(why: str) -> None:
    """Raise Refused for a request that is not to be sent."""
    text = f"{why}; nothing was sent"
    raise Refused(text, code="NOT-OUR-CALL")
