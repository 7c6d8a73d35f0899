"""A campus file as it was written: the file itself, the files it builds on, and which of them says what."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

BASE = "base"

WHOLE = ("as_of",)
"""Tables that say one of several things: another answer takes the place of the whole table."""

Part = tuple[int | str, ...]
"""The keys that lead to a place in the file; a number is a place in a list, counted from 0."""


class CampusError(Exception):
    """A campus file that cannot be used.  ``problems`` names every mistake, place first, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Keep all the problems."""
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Problem:
    """One mistake: the keys that lead to it, and what is wrong there."""

    parts: Part
    text: str


@dataclass(frozen=True)
class Written:
    """What a campus file says together with those it builds on.  ``files`` are nearest first."""

    files: tuple[tuple[Path, Mapping[str, Any]], ...]
    table: dict[str, Any]

    def place(self, problem: Problem) -> str:
        """Tell a problem, place first: the file that says it, the keys, what is wrong."""
        path = max(self.files, key=lambda file: _depth(file[1], problem.parts))[0]
        keys = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in problem.parts)
        return ": ".join(filter(None, [str(path), keys.removeprefix("."), problem.text]))


def read(path: Path) -> Written:
    """Read a campus file and what it builds on.

    Tables merge key by key, everything else is replaced; a table of another ``kind``, or of WHOLE, is replaced whole.
    Raises CampusError when a file is missing, is no TOML, or builds on itself.
    """
    chain: list[tuple[Path, dict[str, Any]]] = []
    following: Path | None = path
    while following is not None:
        _stop_at_circle(following, [one for one, _ in chain])
        table = _toml(following)
        chain.append((following, table))
        following = _base(following, table)
    merged: dict[str, Any] = {}
    for _, table in reversed(chain):
        merged = _merged(merged, table)
    return Written(tuple(chain), merged)


def tables(table: Mapping[str, Any], *parts: str) -> Iterator[tuple[Part, Mapping[str, Any]]]:
    """Give the tables below a key with their places: those of a list, and those that have names."""
    value: object = table
    for part in parts:
        value = value.get(part) if isinstance(value, dict) else None
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    yield from (((*parts, name), one) for name, one in pairs if isinstance(one, dict))


def _base(path: Path, table: dict[str, Any]) -> Path | None:
    base = table.pop(BASE, None)
    if base is None:
        return None
    if not isinstance(base, str):
        raise CampusError([f"{path}: {BASE}: must be the path of another campus file"])
    if not (path.parent / base).is_file():
        raise CampusError([f"{path}: {BASE}: there is no file {path.parent / base}"])
    return path.parent / base


def _stop_at_circle(path: Path, seen: Sequence[Path]) -> None:
    if os.path.realpath(path) in [os.path.realpath(one) for one in seen]:
        circle = " -> ".join(str(one) for one in [*seen, path])
        raise CampusError([f"{seen[0]}: {BASE}: these files build on each other in a circle: {circle}"])


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise CampusError([f"{path}: no such campus file; `bursar init` writes one"]) from None
    except UnicodeDecodeError as error:
        raise CampusError([f"{path}: is not UTF-8 text: byte {error.start} cannot be read; save it as UTF-8"]) from None
    except OSError as error:
        raise CampusError([f"{path}: cannot be read: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise CampusError([f"{path}: is not TOML: {error}"]) from None


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(value, dict) and key not in WHOLE and _same_kind(below, value):
            merged[key] = _merged(below, value)
        else:
            merged[key] = value
    return merged


def _same_kind(below: Mapping[str, Any], over: Mapping[str, Any]) -> bool:
    return "kind" not in over or below.get("kind") == over["kind"]


def _depth(table: Any, parts: Sequence[int | str]) -> int:  # noqa: ANN401 - whatever stands in a file
    """How far a file follows the keys of a place."""
    for depth, part in enumerate(parts):
        try:
            table = table[part]
        except (KeyError, IndexError, TypeError):
            return depth
    return len(parts)
