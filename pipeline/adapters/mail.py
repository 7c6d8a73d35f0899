"""Hands letters in at the mail server, and says for sure which it took: the only code that talks to one."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.utils import getaddresses
from typing import TYPE_CHECKING

from pipeline.ports.outside import Busy, Lost, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import SecretStr

TIMEOUT_S = 30.0
"""Seconds that the server may think about each step; the night is not kept waiting by its mail."""

GOOD, LATER, LASTING = 200, 400, 500
"""From these on a server's answer means: yes; not now, try again; never (RFC 5321, 4.2.1).  Less is nonsense."""


@dataclass(frozen=True, slots=True)
class MailSettings:
    """Where mail is handed in: ``security`` is ``starttls``, ``tls`` or ``none``; without ``user`` there is no login.

    ``none`` is meant for a server on this machine, which the campus file is checked for.
    """

    host: str
    port: int
    security: str = "starttls"
    user: str = ""
    password: SecretStr | None = None
    timeout_s: float = TIMEOUT_S


class SmtpMailer:
    """ports.outside.Mailer over SMTP, a connection for each letter."""

    def __init__(self, settings: MailSettings) -> None:
        """Nothing is connected before there is a letter to hand in."""
        self._settings = settings
        self._place = f"mail server {settings.host}"

    def send(self, letter: bytes) -> Sequence[str]:
        """Hand a letter in, to every address of its To; as the port says."""
        message = message_from_bytes(letter, policy=policy.SMTP)
        sender = getaddresses([str(message["From"])])[0][1]
        people = [address for _, address in getaddresses([str(message["To"])])]
        with self._talking(Busy):
            server = self._connected()
        with contextlib.closing(server):
            with self._talking(Busy):
                self._introduce(server)
                refused = self._addressed(server, sender, people)
            with self._talking(Lost):
                self._answer(*server.data(bytes(message)), "it did not take the letter")
            with contextlib.suppress(OSError):
                server.quit()
        return refused

    @contextlib.contextmanager
    def _talking(self, broken: type[Busy | Lost]) -> Iterator[None]:
        """Word what goes wrong; ``broken`` is what it means when the line breaks meanwhile."""
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            message = f"{self._place}: its certificate is not to be trusted: {error.verify_message}"
            raise Refused(message, scope="system") from error
        except smtplib.SMTPNotSupportedError as error:
            message = f"{self._place}: {error}; see mail.security and mail.user in the campus file"
            raise Refused(message, scope="system") from error
        except smtplib.SMTPResponseException as error:
            if error.smtp_code >= LATER:
                self._answer(error.smtp_code, error.smtp_error, "it will have nothing of us", "system")
            message = f"{self._place}: it answers nonsense ({error.smtp_code})"
            raise broken(message) from error
        except OSError as error:
            why = "no answer in time" if isinstance(error, TimeoutError) else error.strerror or str(error)
            message = f"{self._place}: {why}"
            raise broken(message) from error

    def _answer(self, code: int, words: bytes | str, what: str, scope: str = "row") -> None:
        """Take a server's answer by its number: good, a no for now (Busy) or its last word (Refused)."""
        text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
        message = f"{self._place}: {what}: {' '.join(text.split())}"
        if code >= LASTING:
            raise Refused(message, scope=scope, code=str(code))
        if code >= LATER:
            raise Busy(message)
        if code < GOOD:
            raise smtplib.SMTPServerDisconnected(message)

    def _connected(self) -> smtplib.SMTP:
        one = self._settings
        if one.security == "tls":
            trust = ssl.create_default_context()
            return smtplib.SMTP_SSL(one.host, one.port, timeout=one.timeout_s, context=trust)
        return smtplib.SMTP(one.host, one.port, timeout=one.timeout_s)

    def _introduce(self, server: smtplib.SMTP) -> None:
        """Say hello, and never a password before the line is closed to others."""
        one = self._settings
        server.ehlo_or_helo_if_needed()
        if one.security == "starttls":
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if one.user:
            server.login(one.user, one.password.get_secret_value() if one.password else "")

    def _addressed(self, server: smtplib.SMTP, sender: str, people: Sequence[str]) -> list[str]:
        """Name writer and readers; give those it will not reach.

        Nothing is handed in if it reaches nobody, or somebody only later: a letter that goes to some now and to others
        another time would reach the first twice.
        """
        self._answer(*server.mail(sender), f"it takes nothing from {sender}", "system")
        refused: list[str] = []
        for address in people:
            code, words = server.rcpt(address)
            if code >= LASTING:
                refused.append(address)
            else:
                self._answer(code, words, f"it takes nothing for {address} now")
        if len(refused) == len(people):
            message = f"{self._place}: it takes nothing for {', '.join(people)}"
            raise Refused(message)
        return refused
