"""Titles, comments and names: what of them a campus may keep, and the little that is needed in any case."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.readers.reopens import reference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COLUMNS = ("title", "comment", "patron_name")
MARK = "reopens"


@dataclass(frozen=True, slots=True)
class Private:
    """What a campus keeps of its private columns, and the key with which it hashes titles, if it has one."""

    keep: frozenset[str] = frozenset()
    title_key: bytes | None = None

    @property
    def collected(self) -> frozenset[str]:
        """Columns that must be read, be it only to make something of them."""
        return self.keep | {"comment"} | ({"title"} if self.title_key is not None else set())

    def shown(self, columns: Mapping[str, list[str]]) -> dict[str, list[str]]:
        """Give the private columns as they may be kept, the keyed hash of each title, and what each comment reopens."""
        titles, comments = columns["title"], columns["comment"]
        kept = {name: columns[name] if name in self.keep else [""] * len(titles) for name in COLUMNS}
        return {**kept, "title_hash": self._hashes(titles), "continues": _continued(comments)}

    def _hashes(self, titles: Sequence[str]) -> list[str]:
        """Give the keyed hash of each title, in small letters; "" without a key or a title."""
        key = self.title_key
        if key is None:
            return [""] * len(titles)
        known = {title: _hash(title, key) for title in set(titles)}
        return [known[title] for title in titles]


def _hash(title: str, key: bytes) -> str:
    text = " ".join(title.split()).casefold().encode("utf-8", "surrogatepass")
    return hmac.new(key, text, hashlib.sha256).hexdigest() if text else ""


def _continued(comments: Sequence[str]) -> list[str]:
    known = {comment: reference(comment) for comment in set(comments) if MARK in comment.casefold()}
    return [known.get(comment, "") for comment in comments] if known else [""] * len(comments)
