"""A folder outside that lives in memory, and a bursar who watches it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.adapters.places import Missing, plain, plain_or_below, shown
from pipeline.ports.outside import Busy, Listed, Place, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass
class Drive:
    """What outlives a run: files by name, with the time they changed; folders below; what the drive allows."""

    files: dict[str, tuple[bytes, float]] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    there: bool = True
    read_only: bool = False
    room: int = 1 << 30
    ticks: int = 0

    def put(self, name: str, content: bytes) -> None:
        self.ticks += 1
        self.files[name] = (content, float(self.ticks))


class FakePlace:
    """ports.outside.Place on a Drive, as strict as the real ones."""

    def __init__(self, drive: Drive) -> None:
        self.drive = drive

    def list(self) -> Sequence[Listed]:
        self._look()
        return [Listed(shown(name), len(data), at) for name, (data, at) in self.drive.files.items() if "/" not in name]

    def size(self, name: str) -> int | None:
        self._look()
        found = self.drive.files.get(plain(name))
        return None if found is None else len(found[0])

    def read(self, name: str) -> bytes:
        self._look()
        return self._content(name)

    def fetch(self, name: str, to: Path) -> int:
        content = self.read(name)
        with to.open("xb") as stream:
            to.chmod(0o600)
            return stream.write(content)

    def write_new(self, name: str, path: Path) -> None:
        self._change()
        if plain(name) in self.drive.files:
            message = f"{name} exists"
            raise Refused(message)
        content = path.read_bytes()
        if len(content) > self.drive.room:
            message = "no room"
            raise Refused(message, scope="system")
        self.drive.put(name, content)

    def rename(self, old: str, new: str) -> None:
        below = plain_or_below(new).rpartition("/")[0]
        plain(old)
        self._change()
        content = self._content(old)
        if new in self.drive.files or (below and below not in self.drive.folders):
            message = f"{new} exists, or has no folder"
            raise Refused(message)
        del self.drive.files[old]
        self.drive.put(new, content)

    def remove(self, name: str) -> None:
        self._change()
        self.drive.files.pop(plain(name), None)

    def close(self) -> None:
        """Nothing to hang up."""

    def _content(self, name: str) -> bytes:
        if plain(name) not in self.drive.files:
            message = f"{name}: no such file"
            raise Missing(message)
        return self.drive.files[name][0]

    def _look(self) -> None:
        if not self.drive.there:
            message = "no such folder"
            raise Refused(message, scope="system")

    def _change(self) -> None:
        self._look()
        if self.drive.read_only:
            message = "permission denied"
            raise Refused(message, scope="system")


class Bursar:
    """Looks over a place: writes down every file that gets a final name there; a greedy one takes it at once."""

    def __init__(self, place: Place, *, greedy: bool) -> None:
        self.place = place
        self.greedy = greedy
        self.received: list[tuple[str, str]] = []
        self.list, self.size, self.read = place.list, place.size, place.read
        self.fetch, self.write_new, self.remove = place.fetch, place.write_new, place.remove

    def rename(self, old: str, new: str) -> None:
        self.place.rename(old, new)
        self.received.append((new, hashlib.sha256(self.place.read(new)).hexdigest()))
        if self.greedy:
            self.place.remove(new)


class Outage:
    """A place that nobody can reach for so many calls, then as usual."""

    def __init__(self, place: Place, calls: int) -> None:
        self.place = place
        self.left = calls
        self.tried = 0

    def _through(self) -> Place:
        self.tried += 1
        if self.left:
            self.left -= 1
            message = "nobody answers"
            raise Busy(message)
        return self.place

    def list(self) -> Sequence[Listed]:
        return self._through().list()

    def size(self, name: str) -> int | None:
        return self._through().size(name)

    def read(self, name: str) -> bytes:
        return self._through().read(name)

    def fetch(self, name: str, to: Path) -> int:
        return self._through().fetch(name, to)

    def write_new(self, name: str, path: Path) -> None:
        self._through().write_new(name, path)

    def rename(self, old: str, new: str) -> None:
        self._through().rename(old, new)

    def remove(self, name: str) -> None:
        self._through().remove(name)
