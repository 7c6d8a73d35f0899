"""Reads Alma's bursar export: every fee in it as it is written, or why it cannot be a fee; nothing is left out.

The file is read a MiB at a time and handed on some twenty thousand fees at a time, so a large export needs no more
memory than a small one.  It is refused whole if it is cut off, hostile or something else.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.parsers import expat

from pipeline.findings import Finding
from pipeline.readers import alma_bytes, alma_rows, refused
from pipeline.readers import alma_places as places
from pipeline.readers.alma_elements import Elements
from pipeline.readers.alma_plain import PlainFees
from pipeline.readers.private import Private
from pipeline.readers.refused import RefusedFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

__all__ = ["CHUNK", "Limits", "RefusedFileError", "Summary", "read"]

CHUNK = 20_000
"""Fees that are handed on together."""

SHOWN = 5
"""Unknown elements that are named to people."""

TOO_MANY = "has more than {:,} fees; look why, and only then raise max_fees of its source"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a campus thinks possible: bytes of one file, and fees in it.  More is refused."""

    max_bytes: int = 4 << 30
    max_fees: int = 5_000_000


@dataclass(slots=True)
class Summary:
    """What is known of a whole export once it is read: its number, its fees, and elements no published export has."""

    export_number: str = ""
    fees: int = 0
    unknown: Counter[str] = field(default_factory=Counter)

    def note(self, file_sha: str, name: str) -> Finding | None:
        """Tell people of the unknown elements of the file ``name``, if it has any: its layout may have changed."""
        if not self.unknown:
            return None
        told = ", ".join(f"{element} ({times} times)" for element, times in self.unknown.most_common(SHOWN))
        more = f" and {len(self.unknown) - SHOWN} others" if len(self.unknown) > SHOWN else ""
        return Finding("READ-UNKNOWN-ELEMENTS", file_sha, f"{name}: passed over {told}{more}", name)


def read(  # noqa: PLR0913 - where the file is from, what it may be, and what the caller wants of it
    path: Path,
    *,
    source: str,
    file_sha: str,
    limits: Limits,
    keep: frozenset[str] = frozenset(),
    title_key: bytes | None = None,
    summary: Summary | None = None,
    chunk: int = CHUNK,
) -> Iterator[pd.DataFrame]:
    """Give the fees of an export as tables of tables.READ_FEES, about ``chunk`` rows each; none if it has no fees.

    ``keep`` may name title, comment and patron_name, which otherwise stay blank; with a ``title_key`` the keyed hash of
    each title is given.  ``summary`` is filled in when all is read.  Raises RefusedFileError as soon as the file turns
    out not to be a whole and harmless export: then forget what was given before.
    """
    parts: list[pa.Table] = []
    number: str | None = None
    private = Private(keep, title_key)
    for elements in _progress(path, limits, private.collected):
        if elements.records:
            parts.append(alma_rows.table(elements.records, file_sha, private))
            elements.records.clear()
        if parts and (elements.done or sum(map(len, parts)) >= chunk):
            number = elements.number or (_number_further_on(path, limits) if number is None else number)
            yield alma_rows.frame(parts, source, file_sha, number)
            parts.clear()
        if elements.done and summary is not None:
            summary.export_number, summary.fees, summary.unknown = elements.number, elements.fees, elements.unknown


def _progress(path: Path, limits: Limits, keep: frozenset[str]) -> Iterator[Elements]:
    """Read the file and give its elements as they are so far, after every MiB and once more at the end."""
    unwanted = frozenset(slot for column, slot in places.KEPT.items() if column not in keep)
    elements = Elements(path.name, unwanted)
    shortcut = None
    try:
        for block in alma_bytes.blocks(path, limits.max_bytes):
            elements.feed(*(shortcut.taken_out(block) if shortcut else (block, {})))
            if elements.fees > limits.max_fees:
                raise elements.refused(refused.TOO_LARGE, TOO_MANY.format(limits.max_fees))
            if shortcut is None and elements.declared:
                shortcut = PlainFees(elements.declared, unwanted)
            yield elements
        elements.end()
        yield elements
    except expat.ExpatError as error:
        why = expat.ErrorString(error.code)
        message = (
            f"{path.name}, line {error.lineno}: cut off or damaged ({why}); nothing of it was used: fetch it again"
        )
        raise RefusedFileError(refused.NOT_WHOLE, message) from None


def _number_further_on(path: Path, limits: Limits) -> str:
    """Look through the whole file for the number of the export, which nearly always stands at the top."""
    for elements in _progress(path, limits, frozenset()):
        elements.records.clear()
        if elements.number:
            return elements.number
    return ""
