"""Fate: something happens to the n-th call to the outside or the ledger, before or after it took effect."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from pipeline.ports.ledger import Upload, UploadBook, UploadState
    from pipeline.ports.outside import Listed, Place

T = TypeVar("T")


class Died(BaseException):
    """The power went: nothing of ours may catch this."""


@dataclass(frozen=True)
class Fate:
    """What happens to a call: ``error`` is raised ``before`` it takes effect, ``after``, or when ``half`` is done."""

    error: BaseException
    when: str = "before"


@dataclass
class Fates:
    """Counts the calls and lets fate have its way; ``calls`` are their names."""

    at: Mapping[int, Fate] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def call(self, name: str, do: Callable[[], T], half: Callable[[], object] | None = None) -> T:
        fate = self.at.get(len(self.calls))
        self.calls.append(name)
        if fate is None:
            return do()
        if fate.when == "after":
            do()
        if fate.when == "half" and half is not None:
            half()
        raise fate.error


class FatedPlace:
    """A place whose every call goes through fate."""

    def __init__(self, place: Place, fates: Fates) -> None:
        self.place = place
        self.fates = fates

    def list(self) -> Sequence[Listed]:
        return self.fates.call("list", self.place.list)

    def size(self, name: str) -> int | None:
        return self.fates.call("size", lambda: self.place.size(name))

    def read(self, name: str) -> bytes:
        return self.fates.call("read", lambda: self.place.read(name))

    def fetch(self, name: str, to: Path) -> int:
        return self.fates.call("fetch", lambda: self.place.fetch(name, to))

    def write_new(self, name: str, path: Path) -> None:
        def half() -> None:
            torn = path.with_suffix(".torn")
            torn.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
            self.place.write_new(name, torn)

        self.fates.call("write_new", lambda: self.place.write_new(name, path), half)

    def rename(self, old: str, new: str) -> None:
        self.fates.call("rename", lambda: self.place.rename(old, new))

    def remove(self, name: str) -> None:
        self.fates.call("remove", lambda: self.place.remove(name))


class FatedBook:
    """A book of uploads whose every change goes through fate."""

    def __init__(self, book: UploadBook, fates: Fates) -> None:
        self.book = book
        self.fates = fates

    def uploads(self) -> Sequence[Upload]:
        return self.book.uploads()

    def uploads_of(self, names: Sequence[str]) -> Sequence[Upload]:
        return self.book.uploads_of(names)

    def sent_since(self, at: datetime) -> Sequence[Upload]:
        return self.book.sent_since(at)

    def move_upload(self, upload: Upload, to: UploadState, evidence: str, at: datetime) -> Upload:
        return self.fates.call("move_upload", lambda: self.book.move_upload(upload, to, evidence, at))
