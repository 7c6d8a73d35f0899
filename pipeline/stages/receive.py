"""Read every line of money that came back, and give each its identity."""

from __future__ import annotations

import hashlib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import tables
from pipeline.findings import Finding, Outcome
from pipeline.layouts import layout as layouts
from pipeline.rules import Sorting

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from pipeline.campus.load import Loaded

MONEY = ["system", "patron_id", "fee_ref", "occurred_on", "amount_cents", "kind", "status"]
"""The fields that make the fingerprint of a line: a known line that says otherwise in one of them is held."""


def receive(files: pd.DataFrame, campus: Loaded, today: date) -> Outcome:  # noqa: ARG001 - every stage has this form
    """Read the files of ``files`` (tables.FILES) into tables.PAYMENTS; box what is no sale of ours.

    A file that is not whole is refused with a finding.  Money going back is held: it takes a person.  A line of
    nothing, or of another department's item, is excluded.
    """
    import pandas as pd

    frames: list[pd.DataFrame] = []
    findings: list[Finding] = []
    for file in files.itertuples():
        layout = layouts.load(str(file.reader), campus.folder)
        try:
            returned = layouts.read(layout, Path(str(file.path)))
        except layouts.UnreadableFileError as refusal:
            findings.append(Finding(refusal.code, str(file.sha), f"{file.name}: {refusal}", str(file.name)))
            continue
        if returned.ignored:
            unknown = ", ".join(returned.ignored)
            findings.append(
                Finding("RECEIVE-UNKNOWN-COLUMNS", str(file.sha), f"{file.name}: {unknown}", str(file.name))
            )
        frames.append(_identified(_placed(returned.rows, file, layout, campus)))
    payments = pd.concat(frames, ignore_index=True) if frames else tables.PAYMENTS.empty()
    sorted_rows = _sorted(_complete(payments))
    return Outcome(sorted_rows.passed, sorted_rows.boxes, tuple(findings))


def _complete(payments: pd.DataFrame) -> pd.DataFrame:
    """Every column of the noun, of its type, also those a layout does not carry."""
    blank = {tables.TEXT: "", tables.WHOLE: 0, tables.FLAG: False}
    columns = {
        column.name: (
            payments[column.name] if column.name in payments.columns else [blank[column.dtype]] * len(payments)
        )
        for column in tables.PAYMENTS.columns
    }
    return tables.checked(tables.PAYMENTS.frame(columns), tables.PAYMENTS, "receive")


def _placed(rows: pd.DataFrame, file: Any, layout: layouts.Layout, campus: Loaded) -> pd.DataFrame:  # noqa: ANN401
    """Say of every row where it comes from, and whether its item is the library's."""
    system = str(file.feed)
    returns = [back for back in campus.campus.systems[system].returns if back.layout == str(file.reader)]
    items = () if any(not back.items for back in returns) else [one for back in returns for one in back.items]
    ours = {
        code: not items or not code or any(fnmatchcase(code, one) for one in items) for code in set(rows["item_code"])
    }
    return rows.assign(
        source=system,
        file_sha=str(file.sha),
        system=system,
        repeats=layout.repeats,
        foreign=~rows["item_code"].map(ours).astype(bool),
    )


def _identified(rows: pd.DataFrame) -> pd.DataFrame:
    """A receipt and its line are an identity.  Without them equal rows of one file are told apart by counting them."""
    receipt = rows["payment_ref"] != ""
    who = rows["fee_ref"].where(rows["fee_ref"] != "", rows["patron_id"])
    content = rows.assign(who=who)[["system", "who", "occurred_on", "amount_cents", "kind", "unreadable"]].astype("str")
    within = rows[["system", "payment_ref", "kind"]].astype("str")
    nth = content.groupby(list(content.columns)).cumcount().astype("str")
    place = within.groupby(list(within.columns)).cumcount().astype("str")
    lines = rows["payment_line"].where(rows["payment_line"] != "", place)
    by_receipt = [_key("receipt", *said, line) for said, line in zip(within.to_numpy(), lines, strict=True)]
    by_content = [_key("content", *said, count) for said, count in zip(content.to_numpy(), nth, strict=True)]
    sound = receipt & (rows["unreadable"] == "")
    money = rows[MONEY].astype("str").to_numpy()
    return rows.assign(
        payment_key=[one if has else other for has, one, other in zip(sound, by_receipt, by_content, strict=True)],
        fingerprint=[_key(*said) for said in money],
        identity=["receipt" if has else "content" for has in sound],
    )


def _key(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def _sorted(payments: pd.DataFrame) -> Outcome:
    rows = Sorting(payments)
    frame = rows.frame
    rows.hold(frame["unreadable"] != "", "PAYMENT-UNREADABLE", "line {line}: {unreadable}")
    rows.put("excluded", frame["amount_cents"] == 0, "PAYMENT-ZERO", "line {line} moves no money")
    rows.put("excluded", frame["foreign"], "PAYMENT-NOT-OURS", "item {item_code} is not the library's")
    back = (frame["amount_cents"] < 0) | ~frame["kind"].isin(["sale"])
    rows.hold(back, "PAYMENT-BACK", "a {kind} of receipt {payment_ref}: money going back takes a person")
    return rows.outcome()
