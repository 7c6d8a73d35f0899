"""Secrets of a campus: from the environment or from files that nobody else can read, never from the campus file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field, SecretStr, create_model

from pipeline.campus.written import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

PREFIX = "bursar_"
"""Secrets are variables ``BURSAR_<NAME>`` or files ``bursar_<name>``."""

OTHERS = 0o077
"""Permission of anybody but the owner."""

Place = tuple[str, ...]


def _wanted(table: Mapping[str, Any]) -> dict[str, Place]:
    """Name every secret that a campus file asks for, with its place; what is wrong in itself is passed over."""
    found: dict[str, Place] = {}
    alma = table.get("alma")
    if isinstance(alma, dict):
        _note(found, alma.get("secret", "alma_key"), ("alma", "secret"))
    _note(found, table.get("title_key"), ("title_key",))
    mail = table.get("mail")
    if isinstance(mail, dict):
        _note(found, mail.get("secret"), ("mail", "secret"))
    for name, connection in _sftp(table):
        _note(found, connection.get("secret"), ("connections", name, "secret"))
    return found


def _note(found: dict[str, Place], name: object, place: Place) -> None:
    if isinstance(name, str) and name.isidentifier():
        found.setdefault(name, place)


def _sftp(table: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    connections = table.get("connections")
    for name, connection in connections.items() if isinstance(connections, dict) else ():
        if isinstance(connection, dict) and connection.get("kind") == "sftp":
            yield name, connection


def gather(table: Mapping[str, Any], folder: Path, secrets: Path) -> tuple[dict[str, SecretStr], list[Problem]]:
    """Find every secret asked for: in the environment first, then in ``secrets``, one file each.

    ``folder`` is where the campus file lies.  Also gives what is wrong: a secret that is missing or empty, a secret or
    a key file that others may read.  No problem ever repeats what a secret says.
    """
    asked = _wanted(table)
    found = _lookup(tuple(asked), secrets)
    problems = [problem for name, place in asked.items() for problem in _faults(name, place, found, secrets)]
    problems += [problem for name, connection in _sftp(table) for problem in _key_file(name, connection, folder)]
    return found, problems


def _faults(name: str, place: Place, found: Mapping[str, SecretStr], secrets: Path) -> Iterator[Problem]:
    file = secrets / f"{PREFIX}{name}"
    if name not in found:
        variable = f"{PREFIX}{name}".upper()
        yield Problem(place, f"the secret is missing; set {variable} or write the file {file}")
    if _open_to_others(file):
        yield Problem(place, f"the secret can be read by others; chmod 600 {file}")


def _key_file(name: str, connection: Mapping[str, Any], folder: Path) -> Iterator[Problem]:
    written = connection.get("key_file")
    place = ("connections", name, "key_file")
    if not isinstance(written, str) or not written:
        if not connection.get("secret"):
            yield Problem(("connections", name), "give key_file, or secret with the name of a password")
        return
    file = folder / written
    if not file.is_file():
        yield Problem(place, f"there is no file {file}")
    elif _open_to_others(file):
        yield Problem(place, f"the key can be read by others; chmod 600 {file}")


def _open_to_others(file: Path) -> bool:
    return file.is_file() and bool(file.stat().st_mode & OTHERS)


def _lookup(names: Sequence[str], folder: Path) -> dict[str, SecretStr]:
    """Give what is there; a secret that says nothing is as good as none."""
    from pydantic_settings import BaseSettings, SettingsConfigDict

    class Secrets(BaseSettings):
        model_config = SettingsConfigDict(
            secrets_dir=folder if folder.is_dir() else None, extra="ignore", env_ignore_empty=True
        )

    # The fields are numbered: a secret may be called like something that every settings object has already.
    fields: Any = {
        f"secret_{number}": (SecretStr | None, Field(None, validation_alias=f"{PREFIX}{name}"))
        for number, name in enumerate(names)
    }
    values = create_model("Wanted", __base__=Secrets, **fields)()
    said = [getattr(values, field) for field in fields]
    plain = {name: one.get_secret_value().strip() for name, one in zip(names, said, strict=True) if one is not None}
    return {name: SecretStr(text) for name, text in plain.items() if text}
