"""What an export says of itself before it is read: which job it is of, and whether that job was read before."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from pipeline import files
from pipeline.campus.sources import AlmaExport
from pipeline.findings import Finding
from pipeline.stages.shelf import shelf

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import InFile

HEAD = 1 << 16
NUMBER = re.compile(rb"<(?:[\w.-]+:)?exportNumber[^>]*>\s*([^<\s]+)\s*<")
FEE = re.compile(rb"<(?:[\w.-]+:)?userFineFee[\s/>]")
FEE_ID = re.compile(rb"<(?:[\w.-]+:)?bursarTransactionId[^>]*>\s*([^<]*?)\s*<")
LONGEST = 4096
SHOWN = 5


def changed(work: Work, waiting: Sequence[InFile]) -> Iterator[Finding]:
    """Name every export that comes under the number of one read before, in other bytes, and holds fees it had not.

    Its new fees are held together until a person approves the source: somebody edited it, or it was split.  One whose
    fees are all known is read: they are compared one by one.  An export that came and has no fees is named too.
    """
    for file in of_exports(work, waiting):
        path = shelf(work.campus.state / "archive", file)
        said = head(path)
        numbers = export_numbers(said)
        again = work.ledger.known_exports(file.feed, sorted(numbers)) if numbers else frozenset()
        if again and (new := _new_fees(work, file.feed, path)):
            shown = ", ".join(new[:SHOWN]) + (f" and {len(new) - SHOWN} more" if len(new) > SHOWN else "")
            text = f"{file.name}: export {', '.join(sorted(again))} was read before without fees {shown}"
            yield doubted(work, file, "EXPORT-CHANGED", text)
        elif len(said) < HEAD and numbers and not FEE.search(said):
            yield Finding("EXPORT-EMPTY", file.sha, f"{file.name}: the export came and holds no fees", file.name)


def doubted(work: Work, file: InFile, code: str, text: str, yes: str = "") -> Finding:
    """Make the finding that keeps a file back; where a person has approved ``yes``, the note that it is read.

    That is the name of its source, unless it is said.
    """
    if (yes or file.feed) in work.approved:
        return Finding("ARRIVAL-APPROVED", file.sha, f"{text}; approved, so it is read", file.name)
    return Finding(code, file.sha, text, file.name)


def of_exports(work: Work, waiting: Sequence[InFile]) -> list[InFile]:
    """Give the files that are exports of Alma.  One that is gone from the archive is named when it is to be read."""
    known, archive = work.campus.campus.sources, work.campus.state / "archive"
    exports = [file for file in waiting if isinstance(known.get(file.feed), AlmaExport)]
    return [file for file in exports if shelf(archive, file).is_file()]


def head(path: Path) -> bytes:
    """Give the beginning of a file, where an export says its number."""
    with path.open("rb") as stream:
        return stream.read(HEAD)


def export_numbers(text: bytes) -> set[str]:
    """Give every export number that is said."""
    return {number.decode(errors="replace") for number in NUMBER.findall(text)}


def _new_fees(work: Work, source: str, path: Path) -> list[str]:
    """Give the fee ids of an export that the ledger has never seen, in their order."""
    said = list(dict.fromkeys(_fee_ids(path)))
    known = set(work.ledger.known_fees(source, said)["fee_id"])
    return [fee_id for fee_id in said if fee_id not in known]


def _fee_ids(path: Path) -> Iterator[str]:
    rest = b""
    for block in files.blocks_of(path):
        text, end = rest + block, 0
        for found in FEE_ID.finditer(text):
            end = found.end()
            yield html.unescape(found[1].decode(errors="replace"))
        rest = text[end:][-LONGEST:]
