"""The one place that writes local files, whole or not at all, and finds the files that come with the product."""

from __future__ import annotations

import hashlib
import os
import secrets
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PRIVATE = 0o600
PRIVATE_FOLDER = 0o700
BLOCK = 1 << 20


class AlreadyThereError(FileExistsError):
    """A file of that name exists and says something else; nothing was overwritten."""


def private_folder(path: Path) -> Path:
    """Make ``path`` and its parents, readable by our account only, and return it."""
    for folder in [*reversed(path.parents), path]:
        if not folder.is_dir():
            folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    return path


def publish(path: Path, blocks: Iterable[bytes]) -> str:
    """Write a new file that is complete from the moment it has its name; return its SHA-256.

    The bytes go to a temporary file beside it, are forced to disk, and are linked to the final name, which must be
    new.  If that name already holds the same bytes nothing is done.  Raises AlreadyThereError if it holds others, and
    OSError when the disk refuses (then no file of that name is left).
    """
    written, sha = _write_aside(path, blocks)
    try:
        os.link(written, path)
    except FileExistsError:
        if sha256(path) != sha:
            message = f"{path}: a file of this name holds other content; move it away"
            raise AlreadyThereError(message) from None
    finally:
        written.unlink(missing_ok=True)
    sync_folder(path.parent)
    return sha


def replace(path: Path, blocks: Iterable[bytes]) -> str:
    """Write a file that may take the place of an older one, all of it or nothing; return its SHA-256."""
    written, sha = _write_aside(path, blocks)
    try:
        written.replace(path)
    finally:
        written.unlink(missing_ok=True)
    sync_folder(path.parent)
    return sha


def move(path: Path, folder: Path) -> Path:
    """Move a file of ours into another folder of the same disk, for good; return where it lies now."""
    moved = private_folder(folder) / path.name
    path.replace(moved)
    sync_folder(folder)
    sync_folder(path.parent)
    return moved


def _write_aside(path: Path, blocks: Iterable[bytes]) -> tuple[Path, str]:
    """An fsync that fails is final: the kernel may have dropped the pages, so the file is given up, never retried."""
    private_folder(path.parent)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    digest = hashlib.sha256()
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            for block in blocks:
                digest.update(block)
                stream.write(block)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    return aside, digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Force a folder's names to disk, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def blocks_of(path: Path, size: int = BLOCK) -> Iterator[bytes]:
    """Read a file in blocks of ``size`` bytes, so that memory does not grow with the file."""
    with path.open("rb") as stream:
        while block := stream.read(size):
            yield block


def sha256(path: Path) -> str:
    """Fingerprint a file."""
    digest = hashlib.sha256()
    for block in blocks_of(path):
        digest.update(block)
    return digest.hexdigest()


def resource(relative: str, campus_folder: Path | None = None) -> Path:
    """Find a layout, template or sample: in the campus's own folder, then in the checkout, then in the wheel.

    ``relative`` is such as ``schemas/layouts/peoplesoft/default.toml``.  Raises FileNotFoundError naming it.
    """
    for root in resource_roots(campus_folder):
        candidate = root / relative
        if candidate.exists():
            return candidate
    message = f"{relative}: no such file in the campus folder or in the product"
    raise FileNotFoundError(message)


def resource_roots(campus_folder: Path | None = None) -> list[Path]:
    """List the folders that ``resource`` looks in, nearest first."""
    package = Path(str(resources.files("pipeline")))
    checkout = package.parent
    roots = [campus_folder] if campus_folder is not None else []
    return [*roots, *([checkout] if (checkout / "schemas").is_dir() else []), package / "_data"]
