"""The keys of the box: made once in its folder, readable by our account only."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pipeline import files

if TYPE_CHECKING:
    from pathlib import Path


def ssh_key(path: Path) -> paramiko.PKey:
    """Give the SSH key of this file; a new one is made if there is no file."""
    if not path.exists():
        key = Ed25519PrivateKey.generate()
        files.publish(path, [key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())])
    return paramiko.PKey.from_path(path)


def api_key(path: Path) -> str:
    """Give the Alma API key of this file; a new one is made if there is no file."""
    if not path.exists():
        files.publish(path, [f"l8xx{secrets.token_hex(16)}\n".encode()])
    return path.read_text("ascii").strip()


def public_line(key: paramiko.PKey) -> str:
    """Write a key's public half as it stands in ``known_hosts``, without the host's name."""
    return f"{key.get_name()} {key.get_base64()}"
