"""Read every line of money that came back, and give each its identity."""

from __future__ import annotations

from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import tables
from pipeline.findings import Finding, Outcome
from pipeline.layouts import layout as layouts
from pipeline.rules import Sorting
from pipeline.stages.discreet import discreet
from pipeline.stages.identity import TAKEN_BACK, TO_DATE, identified
from pipeline.stages.streams import first_and_last, fitting, last_day

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.campus.load import Loaded


def receive(files: pd.DataFrame, campus: Loaded, today: date) -> Outcome:  # noqa: ARG001 - every stage has this form
    """Read the files of ``files`` (tables.FILES) into tables.PAYMENTS; box what is no money of ours.

    A file that is not whole is refused with a finding, and one that no return of its system fits is kept.  Money going
    back passes on, negative.  A line of nothing, of another department's item, or of another matter is excluded; one
    that is dated long after its file came cannot be right, and is held.
    """
    import pandas as pd

    frames: list[pd.DataFrame] = []
    findings: list[Finding] = []
    for file in files.itertuples():
        try:
            layout, returned = _read(file, campus)
        except layouts.UnreadableFileError as refusal:
            findings.append(Finding(refusal.code, str(file.sha), f"{file.name}: {refusal}", str(file.name)))
            continue
        except _NoLayoutError as missing:
            findings.append(Finding("PAYMENTS-NO-LAYOUT", str(file.sha), f"{file.name}: {missing}", str(file.name)))
            continue
        if returned.ignored:
            unknown = ", ".join(returned.ignored)
            findings.append(
                Finding("RECEIVE-UNKNOWN-COLUMNS", str(file.sha), f"{file.name}: {unknown}", str(file.name))
            )
        frames.append(identified(_complete(_placed(returned, file, layout, campus))))
    payments = pd.concat(frames, ignore_index=True) if frames else tables.PAYMENTS.empty()
    boxed = _sorted(tables.checked(payments, tables.PAYMENTS, "receive"))
    return Outcome(boxed.passed, boxed.boxes, tuple(findings))


AFTER_ITS_FILE = "it is dated long after its file came"


class _NoLayoutError(Exception):
    """The campus file says no more what reads this file; the text says what to do."""


def _read(file: Any, campus: Loaded) -> tuple[layouts.Layout, layouts.Returned]:  # noqa: ANN401 - a row of a frame
    """Read a file as its return says.  It may have waited since before the campus file was changed."""
    if not file.reader:
        message = f"no return of {file.feed} fits its name, or several that read it differently; mend their patterns"
        raise _NoLayoutError(message)
    try:
        layout = layouts.load(str(file.reader), campus.folder)
    except layouts.LayoutError as error:
        raise _NoLayoutError("; ".join(error.problems)) from error
    return layout, layouts.read(layout, Path(str(file.path)))


def _complete(payments: pd.DataFrame) -> pd.DataFrame:
    """Every column of the noun, of its type, also those a layout does not carry."""
    blank = {tables.TEXT: "", tables.WHOLE: 0, tables.FLAG: False}
    return tables.PAYMENTS.frame(
        {
            column.name: (
                payments[column.name] if column.name in payments.columns else [blank[column.dtype]] * len(payments)
            )
            for column in tables.PAYMENTS.columns
        }
    )


def _placed(returned: layouts.Returned, file: Any, layout: layouts.Layout, campus: Loaded) -> pd.DataFrame:  # noqa: ANN401
    """Say of every row where it comes from, what its file covers, and whether its item is the library's."""
    system, name, rows = str(file.feed), str(file.name), returned.rows
    returns = fitting(campus, system, name, layout.name)
    items = () if any(not back.items for back in returns) else [one for back in returns for one in back.items]
    ours = {
        code: not items or not code or any(fnmatchcase(code, one) for one in items) for code in set(rows["item_code"])
    }
    last = last_day(date.fromisoformat(str(file.came_on)))
    too_late = rows["occurred_on"] > last
    stated = returned.period if returned.period and returned.period[1] <= last else None
    covers = stated or first_and_last(rows["occurred_on"][~too_late].tolist())
    incoming = layout.facts.returned
    return rows.assign(
        source=system,
        file_sha=str(file.sha),
        system=system,
        reader=layout.name,
        repeats=layout.repeats,
        amount_is=incoming.amount_is if incoming else "payment",
        covers_from=covers[0],
        covers_to=covers[1],
        unreadable=rows["unreadable"].map(discreet).where((rows["unreadable"] != "") | ~too_late, AFTER_ITS_FILE),
        foreign=~rows["item_code"].map(ours).astype(bool),
        undoes=rows["line"].isin(returned.undoing),
    )


def _sorted(payments: pd.DataFrame) -> Outcome:
    """What was paid to date says something where it is nothing: that what had come went back."""
    rows = Sorting(payments)
    frame = rows.frame
    kind, cents, to_date = frame["kind"], frame["amount_cents"], frame["identity"] == TO_DATE
    rows.hold(frame["unreadable"] != "", "PAYMENT-UNREADABLE", "line {line}: {unreadable}")
    rows.put("excluded", (cents == 0) & ~to_date, "PAYMENT-ZERO", "line {line} moves no money")
    rows.put("excluded", frame["foreign"], "PAYMENT-NOT-OURS", "item {item_code} is not the library's")
    wrong = (kind == "") | ((kind == "sale") & (cents < 0)) | (kind.isin(TAKEN_BACK) & (cents > 0))
    rows.hold(wrong & (cents != 0), "PAYMENT-UNREADABLE", "line {line}: {amount_cents} cents are no {kind}")
    again = frame["undoes"] & (cents > 0)
    rows.hold(again, "CHARGEBACK-UNDONE", "money that a chargeback took is there again (receipt {payment_ref})")
    other = kind.isin(["fee", "other"]) & (cents != 0)
    rows.put("excluded", other, "PAYMENT-OTHER", "line {line} is of kind {kind}, which pays no charge")
    return rows.outcome()
