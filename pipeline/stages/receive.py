"""Read every line of money that came back, and give each its identity."""

from __future__ import annotations

import hashlib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.findings import Finding, Outcome
from pipeline.layouts import layout as layouts
from pipeline.rules import Sorting

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.campus.settings import System

CONTENT = ["system", "patron_id", "fee_ref", "occurred_on", "amount_cents", "kind", "payment_ref", "item_code"]
MONEY = ["system", "patron_id", "fee_ref", "occurred_on", "amount_cents", "kind", "status"]


def receive(files: pd.DataFrame, campus: Loaded, today: date) -> Outcome:  # noqa: ARG001 - every stage has this form
    """Read the files of ``files`` (tables.FILES) into tables.PAYMENTS; box what is no sale of ours.

    A file that is not whole is refused with a finding.  Money going back is held: it takes a person.  A line of
    nothing, or of another department's item, is excluded.
    """
    import pandas as pd

    frames: list[pd.DataFrame] = []
    findings: list[Finding] = []
    for file in files.itertuples():
        try:
            returned = layouts.read(layouts.load(str(file.reader), campus.folder), Path(str(file.path)))
        except layouts.UnreadableFileError as refusal:
            findings.append(Finding(refusal.code, str(file.sha), f"{file.name}: {refusal}", str(file.name)))
            continue
        if returned.ignored:
            unknown = ", ".join(returned.ignored)
            findings.append(
                Finding("RECEIVE-UNKNOWN-COLUMNS", str(file.sha), f"{file.name}: {unknown}", str(file.name))
            )
        rows = returned.rows.assign(source=str(file.feed), file_sha=str(file.sha), system=str(file.feed))
        frames.append(_identified(rows))
    payments = pd.concat(frames, ignore_index=True) if frames else tables.PAYMENTS.empty()
    sorted_rows = _sorted(_complete(payments), campus)
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


def _identified(rows: pd.DataFrame) -> pd.DataFrame:
    """A receipt and its line are an identity.  Without them equal rows of one file are told apart by counting them."""
    receipt = rows["payment_ref"] != ""
    by_content = [name for name in CONTENT if name in rows.columns]
    nth = rows.groupby([*by_content, "payment_line"], dropna=False).cumcount()
    keys = []
    fields = rows[[*by_content, "payment_line"]].astype("str").to_numpy().tolist()
    places = zip(rows["unreadable"], rows["file_sha"], rows["line"], receipt, fields, nth, strict=True)
    for unreadable, sha, line, has_receipt, said, count in places:
        if unreadable:
            keys.append(_key("row", sha, str(line)))
        elif has_receipt:
            system, reference, place = said[0], said[by_content.index("payment_ref")], said[-1]
            keys.append(_key("receipt", system, reference, place or str(count), said[by_content.index("kind")]))
        else:
            keys.append(_key("content", *said, str(count)))
    money = rows[[name for name in MONEY if name in rows.columns]].astype("str").to_numpy().tolist()
    return rows.assign(
        payment_key=keys,
        fingerprint=[_key(*said) for said in money],
        identity=["receipt" if has else "content" for has in receipt],
    )


def _key(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def _sorted(payments: pd.DataFrame, campus: Loaded) -> Outcome:
    rows = Sorting(payments)
    frame = rows.frame
    rows.hold(frame["unreadable"] != "", "PAYMENT-UNREADABLE", "line {line}: {unreadable}")
    rows.put("excluded", frame["amount_cents"] == 0, "PAYMENT-ZERO", "line {line} moves no money")
    for name, system in campus.campus.systems.items():
        foreign = (frame["system"] == name) & ~_ours(frame, system)
        rows.put("excluded", foreign, "PAYMENT-NOT-OURS", "item {item_code} is not the library's")
    back = (frame["amount_cents"] < 0) | ~frame["kind"].isin(["sale"])
    rows.hold(back, "PAYMENT-BACK", "a {kind} of receipt {payment_ref}: money going back takes a person")
    return rows.outcome()


def _ours(frame: pd.DataFrame, system: System) -> pd.Series[bool]:
    patterns = [item for back in system.returns for item in back.items]
    ours = {
        code: not patterns or any(fnmatchcase(code, one) for one in patterns) for code in frame["item_code"].unique()
    }
    return frame["item_code"].map(ours).astype(bool)
