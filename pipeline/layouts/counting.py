"""The second opinion: counts a file's rows and money by a short scan of its own, without the code that reads it."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from pipeline.layouts import scan_items, scan_records, scan_workbook, scanning
from pipeline.money import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pipeline.layouts.incoming import Incoming, KindRule
    from pipeline.layouts.model import Column, Layout

MOST_DIGITS = {"dollars": 13, "cents": 15}
THOUSANDS = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+\.[0-9]{2}", re.ASCII)

SCANS: Mapping[str, Callable[[Layout, Path, list[str]], Iterator[tuple[str, ...]]]] = {
    "fixed": scanning.fixed,
    "delimited": scanning.delimited,
    "records": scan_records.rows,
    "workbook": scan_workbook.rows,
}


def count(layout: Layout, path: Path) -> Tally:
    """Count the detail lines and add up their money: in positive, back negative; what is no amount counts 0.

    In a file that we send, and whatever its kind, money counts without a sign.
    """
    wanted = [*([layout.amount.name] if layout.amount else []), *_asked(layout.facts.returned), *_currency(layout)]
    scan = scan_items.rows if layout.numbered else SCANS[layout.facts.format]
    seen: Counter[tuple[str, ...]] = Counter(scan(layout, path, wanted))
    cents = sum(times * _worth(layout, dict(zip(wanted, texts, strict=True))) for texts, times in seen.items())
    return Tally(seen.total(), cents)


def stated(layout: Layout, path: Path) -> Tally | None:
    """Read the control count and total off the header of a fixed file, by position; None for a file without any.

    A total with a minus sign counts without it where the layout gives some kind of file such a sign.
    """
    if layout.header is None or layout.facts.format != "fixed":
        return None
    places: dict[str, slice] = {}
    start = 0
    for column in layout.header.columns:
        width = column.width if isinstance(column.width, int) else 0
        places[column.source] = slice(start, start + width)
        start += width + len(layout.facts.between)
    if not {"control.count", "control.cents"} <= set(places):
        return None
    with path.open(encoding="latin-1", newline="\n") as stream:
        line = stream.readline()
    count, total = (line[places[source]].strip() for source in ("control.count", "control.cents"))
    minus = any(column.negative for column in layout.header.columns)
    sign = -1 if total.startswith("-") and not minus else 1
    return Tally(int(count or 0), sign * int(total.lstrip("-").replace(".", "") or 0))


def _worth(layout: Layout, cells: Mapping[str, str]) -> int:
    column, incoming = layout.amount, layout.facts.returned
    amount = _amount(layout, column, cells.get(column.name, "").strip(" ")) if column else None
    if column is None or amount is None or incoming is None:
        return abs(amount or 0) if column and column.negative else amount or 0
    foreign = any(cells[name].strip(" ") != incoming.currency for name in _currency(layout))
    for rule in incoming.kinds:
        sign = {"positive": amount > 0, "zero": amount == 0, "negative": amount < 0, None: True}[rule.amount]
        if sign and _fits(layout, rule, cells):
            return 0 if foreign else {"in": max(amount, 0), "back": -abs(amount), "none": 0}[rule.money]
    return 0


def _fits(layout: Layout, rule: KindRule, cells: Mapping[str, str]) -> bool:
    codes = {column.name for column in layout.detail.columns if column.show == "code"}
    return all(
        any(_matches(cells.get(name, ""), one) for one in allowed)
        if name in codes
        else _choice(cells.get(name, "")) in map(_choice, allowed)
        for name, allowed in rule.when.items()
    )


def _matches(text: str, pattern: str) -> bool:
    """Whether a code is as a pattern says; one that is blank is only as a blank says."""
    if pattern[:1] == "!":
        return bool(text.split()) and not _matches(text, pattern[1:])
    plain, wanted = (" ".join(one.split()).casefold() for one in (text, pattern))
    if not plain or not wanted:
        return not plain and not wanted
    expression = re.escape(wanted).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, plain, re.DOTALL) is not None


def _asked(incoming: Incoming | None) -> list[str]:
    return list(dict.fromkeys(name for rule in incoming.kinds for name in rule.when)) if incoming else []


def _currency(layout: Layout) -> list[str]:
    return [column.name for column in layout.detail.columns if column.source == "currency" and layout.facts.returned]


def _choice(text: str) -> str:
    return "".join(text.split()).casefold()


def _amount(layout: Layout, column: Column, text: str) -> int | None:
    """Whole cents out of ``12.50`` or ``1250``, as the layout shows them; None for anything else."""
    if column.thousands and THOUSANDS.fullmatch(text):
        text = "".join(text.split(column.thousands))
    digits, minus = text.removeprefix("-"), text.startswith("-")
    whole, point, places = digits.partition(".")
    if column.show == "dollars":
        if not point or len(places) != 2:  # noqa: PLR2004 - dollars have two places
            return None
        digits = whole + places if whole else ""
    if len(whole) > MOST_DIGITS.get(column.show, 0) or not (digits.isascii() and digits.isdigit()):
        return None
    if minus and layout.facts.sign == "unsigned":
        return None
    return -int(digits) if minus else int(digits)
