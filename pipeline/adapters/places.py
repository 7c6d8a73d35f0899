"""What a local folder and a folder on a server have in common: which file names are good, and "there is none"."""

from __future__ import annotations

import contextlib
import unicodedata
from typing import TYPE_CHECKING

from pipeline.ports.outside import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import NoReturn

    from pipeline.ports.outside import Listed, Place

BLOCK = 1 << 20
"""How many bytes are read or written at once, so that memory does not grow with the file."""


class Missing(Refused):
    """There is no such file, in a folder that is there."""


def is_plain(name: str) -> bool:
    """Say whether a name is just a name: no path in it, no control, direction or broken character."""
    return (
        name not in {"", ".", ".."}
        and not {"/", "\\"} & set(name)
        and not any(unicodedata.category(character).startswith("C") for character in name)
    )


def shown(name: str) -> str:
    """Give a name as it may be listed: itself if plain, else with its odd characters written out.

    What is written out holds a backslash, so no call takes it: whoever fetches it is told to have the file renamed,
    instead of passing over a file in silence.
    """
    return name if is_plain(name) else name.encode("unicode_escape", "surrogatepass").decode("ascii")


def plain(name: str) -> str:
    """Return a plain name.  Raises Refused for anything else, so that no name can lead out of its folder."""
    if not is_plain(name):
        message = f"{name!a} is not a plain file name; rename the file"
        raise Refused(message)
    return name


def plain_or_below(name: str) -> str:
    """Return a plain name, or ``folder/name`` with both parts plain.  Raises Refused for anything else."""
    folder, slash, rest = name.rpartition("/")
    return f"{plain(folder)}/{plain(rest)}" if slash else plain(name)


class OnlyRead:
    """A place that is looked at and never changed: what would change it is Refused."""

    def __init__(self, place: Place) -> None:
        """Read through to ``place``."""
        self._place = place

    def list(self) -> Sequence[Listed]:
        """As the place."""
        return self._place.list()

    def size(self, name: str) -> int | None:
        """As the place."""
        return self._place.size(name)

    def read(self, name: str) -> bytes:
        """As the place."""
        return self._place.read(name)

    def fetch(self, name: str, to: Path) -> int:
        """As the place."""
        return self._place.fetch(name, to)

    def write_new(self, name: str, path: Path) -> None:
        """Refuse."""
        _only_read(f"{path.name} is not written as {name}")

    def rename(self, old: str, new: str) -> None:
        """Refuse."""
        _only_read(f"{old} is not renamed to {new}")

    def remove(self, name: str) -> None:
        """Refuse."""
        _only_read(f"{name} is not removed")

    def close(self) -> None:
        """Hang up, where that means something."""
        with contextlib.suppress(AttributeError):
            self._place.close()  # type: ignore[attr-defined]


def _only_read(what: str) -> NoReturn:
    message = f"{what}: this place is only read"
    raise Refused(message, scope="system")
