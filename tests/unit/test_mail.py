"""Mail is handed in once for sure, or we know that it was not: against a real server on loopback that misbehaves."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from pipeline.adapters.mail import MailSettings, SmtpMailer
from pipeline.ports.outside import Busy, Lost, OutsideError, Refused
from pipeline.sandbox.mailbox import Mailbox, Manners

if TYPE_CHECKING:
    from pathlib import Path

SENDER, ONE, TWO = "fees@example.edu", "circ@example.edu", "desk@example.edu"


def letter(*people: str) -> bytes:
    made = EmailMessage(policy=policy.SMTP)
    made["From"], made["To"] = SENDER, ", ".join(people or (ONE,))
    made["Subject"], made["Message-ID"] = "counts", "<abc@example.edu>"
    made.set_content("Two payments.\n.\n.. and a dot\n")
    return made.as_bytes()


def mailer(box: Mailbox, security: str = "none", host: str = "127.0.0.1", timeout_s: float = 5.0) -> SmtpMailer:
    user, password = ("library", SecretStr(box.manners.password)) if box.manners.password else ("", None)
    return SmtpMailer(MailSettings(host, box.port, security, user, password, timeout_s))


def trust(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str = "localhost") -> ssl.SSLContext:
    """Make a certificate for ``name``, which this process believes in."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    day = timedelta(1)
    built = x509.CertificateBuilder(who, who, key.public_key(), 7, now - day, now + day)
    alone = x509.BasicConstraints(ca=True, path_length=None)
    made = built.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    signed = made.add_extension(alone, critical=True).sign(key, hashes.SHA256())
    file = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_a_letter_arrives_byte_for_byte_with_its_own_id() -> None:
    with Mailbox() as box:
        assert mailer(box).send(letter(ONE, TWO)) == []
        (kept,) = box.kept
    assert (kept.sender, kept.people) == (SENDER, (ONE, TWO))
    assert kept.letter == letter(ONE, TWO)
    assert b"Message-ID: <abc@example.edu>" in kept.letter


def test_a_letter_goes_over_a_closed_line_after_a_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manners = Manners(password="s3cret", trust=trust(tmp_path, monkeypatch))
    with Mailbox(manners) as box:
        mailer(box, "starttls", "localhost").send(letter())
        assert (len(box.kept), box.logins) == (1, ["library"])


def test_no_password_and_no_letter_leaves_over_an_open_line(tmp_path: Path) -> None:
    with Mailbox(Manners(password="s3cret")) as box:
        with pytest.raises(Refused, match="STARTTLS") as error:
            mailer(box, "starttls", "localhost").send(letter())
        assert (box.kept, box.logins, error.value.scope) == ([], [], "system")


def test_a_server_that_cannot_prove_its_name_is_not_spoken_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Mailbox(Manners(trust=trust(tmp_path, monkeypatch, "other.example.edu"))) as box:
        with pytest.raises(Refused, match="certificate"):
            mailer(box, "starttls", "localhost").send(letter())
        assert box.kept == []


def test_a_wrong_password_is_refused_and_never_repeated() -> None:
    with Mailbox(Manners(password="right")) as box:
        wrong = SmtpMailer(MailSettings("127.0.0.1", box.port, "none", "library", SecretStr("hunter2")))
        with pytest.raises(Refused) as error:
            wrong.send(letter())
        assert error.value.scope == "system"
        assert "hunter2" not in str(error.value)


FATES = [
    (Manners(greeting="421 too busy"), Busy),
    (Manners(greeting="554 no"), Refused),
    (Manners(greeting="what is it"), Busy),
    (Manners(data="1 what is it"), Lost),
    (Manners(mail="451 later"), Busy),
    (Manners(mail="550 not you"), Refused),
    (Manners(unknown={ONE: "450 greylisted"}), Busy),
    (Manners(unknown={ONE: "550 nobody"}), Refused),
    (Manners(data="452 disk full"), Busy),
    (Manners(data="554 spam"), Refused),
    (Manners(hush_s=1.0), Busy),
]


@pytest.mark.parametrize(("manners", "fate"), FATES, ids=map(str, range(len(FATES))))
def test_what_was_not_taken_says_so_and_whether_to_try_again(manners: Manners, fate: type[OutsideError]) -> None:
    with Mailbox(manners) as box:
        with pytest.raises(fate) as error:
            mailer(box, timeout_s=0.3).send(letter())
        assert box.kept == []
    assert "\n" not in str(error.value)
    assert type(error.value) is fate


def test_nobody_there_is_busy() -> None:
    with Mailbox() as box:
        away = mailer(box)
    with pytest.raises(Busy, match="refused"):
        away.send(letter())


def test_what_the_mailbox_keeps_lies_there_to_be_read(tmp_path: Path) -> None:
    with Mailbox(folder=tmp_path / "mail") as box:
        for _ in range(2):
            mailer(box).send(letter())
    assert [path.read_bytes() for path in sorted((tmp_path / "mail").iterdir())] == [letter(), letter()]


def test_a_line_that_breaks_after_the_letter_leaves_doubt() -> None:
    with Mailbox(Manners(dies_after_data=True)) as box:
        with pytest.raises(Lost):
            mailer(box).send(letter())
        assert len(box.kept) == 1


def test_one_unknown_reader_does_not_keep_it_from_the_others_and_is_named() -> None:
    with Mailbox(Manners(unknown={ONE: "550 nobody"})) as box:
        assert mailer(box).send(letter(ONE, TWO)) == [ONE]
        assert [one.people for one in box.kept] == [(TWO,)]


def test_one_reader_that_is_to_be_tried_later_keeps_it_back_for_all_so_that_nobody_gets_it_twice() -> None:
    with Mailbox(Manners(unknown={TWO: "450 greylisted"})) as box:
        with pytest.raises(Busy, match=TWO):
            mailer(box).send(letter(ONE, TWO))
        assert box.kept == []
