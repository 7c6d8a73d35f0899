"""A whole column of a file at once: its values, whether each of them is plain, and the lines that columns make."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import pyarrow as pa

MANGLED = (b"+", b".0")
"""One of these is in every number that a spreadsheet mangled (layouts.cells.MANGLED), and hardly in another text."""


def of(values: pd.Series[str] | pd.Series[int] | Sequence[str | int]) -> pa.Array:
    """Give values in one piece: whole numbers as such, all else as texts."""
    import pyarrow as pa

    found = pa.array(values)
    whole = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    return whole if pa.types.is_integer(whole.type) else whole.cast(pa.large_string())


def alike(text: str, count: int) -> pa.Array:
    """Give the same text so many times."""
    import pyarrow as pa

    return pa.repeat(pa.scalar(text, pa.large_string()), count)


def widest(texts: pa.Array) -> int:
    """Give the size of the longest text in bytes, 0 if there is none."""
    import pyarrow.compute as pc

    return pc.max(pc.binary_length(texts)).as_py() or 0


def is_ascii(texts: pa.Array) -> bool:
    """Whether no text has a letter beyond ASCII."""
    import pyarrow.compute as pc

    return bool(pc.all(pc.string_is_ascii(texts), min_count=0).as_py())


def has_blank(texts: pa.Array) -> bool:
    """Whether a text says nothing."""
    import pyarrow.compute as pc

    return bool(pc.any(pc.equal(pc.binary_length(texts), 0)).as_py())


def plain(texts: pa.Array) -> bool:
    """Whether all are surely printable ASCII, with no blank at an end, and no number that a spreadsheet mangled."""
    import pyarrow.compute as pc

    printable = pc.all(pc.ascii_is_printable(texts), min_count=0).as_py()
    ends = pc.any(pc.or_(pc.starts_with(texts, " "), pc.ends_with(texts, " "))).as_py()
    letters = _side_by_side(texts)
    return bool(printable) and not ends and not any(sign in letters for sign in MANGLED)


def _side_by_side(texts: pa.Array) -> bytes:
    """The texts without a gap: what is nowhere in these bytes is in none of them."""
    import numpy as np

    _, ends, letters = texts.buffers()
    if not len(texts) or letters is None:
        return b""
    at = np.frombuffer(ends, dtype=np.int64)
    first = int(at[texts.offset])
    return bytes(letters[first : int(at[texts.offset + len(texts)])])


def padded(texts: pa.Array, width: int, align: str) -> pa.Array:
    """Fill ASCII texts up with blanks."""
    import pyarrow.compute as pc

    return (pc.ascii_lpad if align == "right" else pc.ascii_rpad)(texts, width)


def lines(columns: Sequence[pa.Array], between: str) -> list[str]:
    """Join the columns, each a text for every line."""
    import pyarrow as pa
    import pyarrow.compute as pc

    joined: list[str] = pc.binary_join_element_wise(*columns, pa.scalar(between, pa.large_string())).to_pylist()
    return joined
