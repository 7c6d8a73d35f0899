"""The campus of the soak: the sample campus with payments in three ways, and a receipts file that says everything."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.campus.load import Loaded, load
from tests.samples import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from pipeline.findings import Outcome

NAME, ASIDE = "export", "done"
TOTALS, RECEIPTS = "peoplesoft", "cashnet"
"""The system that sends all it knows again every day, and the one that sends receipts once, with a trailer."""

CAMPUS = f"""
base = "{SAMPLES / "export" / "campus.toml"}"

[alma]
url = "https://alma.example.edu"

[imports]
connection = "bursar"
folder = "to_alma"

[[systems.cashnet.returns]]
layout = "soak/receipts"
connection = "bursar"
folder = "cashnet/out"
pattern = "CASHNET_PAYMENTS_*.csv"
quiet_s = 0
items = ["LIB-*"]
PROCESSED

[[systems.peoplesoft.returns]]
layout = "peoplesoft/paid"
connection = "bursar"
folder = "peoplesoft/out"
pattern = "LIBRARY_PAID_*.csv"
quiet_s = 0
PROCESSED
"""

ROUTES = """
routes = [{ to = "cashnet", fee_type = ["LOSTITEMREPLACEMENTFEE"] }, { to = "peoplesoft" }]
"""
"""What the whole campus says before its tables."""

RECEIPT = """
title = "Receipts with a trailer: one line per item paid or taken back"
format = "delimited"
encoding = "utf-8"
newline = "any"
delimiter = ","
headings = true
sign = "signed"

[returned]
repeats = "none"
amount_is = "payment"
covers = "business_day"
complete = "trailer"
"""

KINDS = (
    ("VOID", "void", "back"),
    ("SALE", "sale", "in"),
    ("REFUND", "refund", "back"),
    ("REVERSAL", "reversal", "back"),
    ("CHARGEBACK", "chargeback", "back"),
    ("WRITEOFF", "writeoff", "back"),
    ("ADJUST", "adjustment", "back"),
    ("FAILED", "other", "none"),
)
"""TRANSTYPE, our kind, and which way the money goes."""

COLUMNS = (
    ("TX", "payment_ref", "required = true"),
    ("LINE", "payment_line", "required = true"),
    ("TRANSTYPE", "", f'show = "choice"\nchoices = {json.dumps([kind[0] for kind in KINDS])}\nrequired = true'),
    ("BUSDATE", "occurred_on", 'show = "date:M/D/YYYY"'),
    ("CUSTCODE", "patron_id", ""),
    ("PMTCODE", "method", ""),
    ("ITEMCODE", "item_code", ""),
    ("AMOUNT", "amount_cents", 'show = "dollars"\nrequired = true'),
    ("REF1VAL", "fee_ref", ""),
)
HEADINGS = ("RECTYPE", *(name for name, _, _ in COLUMNS))
EXAMPLES = {"AMOUNT": "12.50", "BUSDATE": "1/6/2026", "TRANSTYPE": "SALE", "LINE": "1"}


def layout() -> str:
    """Write the layout of the receipts file."""
    kinds = "".join(
        f'\n[[returned.kinds]]\nwhen = {{ TRANSTYPE = ["{said}"] }}\nkind = "{kind}"\nmoney = "{money}"\n'
        for said, kind, money in KINDS
    )
    columns = "".join(_column(*column) for column in COLUMNS)
    first = '\n[[detail.columns]]\nname = "RECTYPE"\nliteral = "D"\noptional = true\n'
    trailer = (
        '\n[[trailer.columns]]\nname = "RECTYPE"\nliteral = "T"\n'
        '\n[[trailer.columns]]\nname = "COUNT"\nfrom = "control.count"\nshow = "count"\nrequired = true\n'
        'example = "1"\n'
        '\n[[trailer.columns]]\nname = "TOTAL"\nfrom = "control.cents"\nshow = "dollars"\nrequired = true\n'
        'example = "12.50"\n'
    )
    return f"{RECEIPT}{kinds}\n[control]\n{first}{columns}{trailer}"


def _column(name: str, source: str, more: str) -> str:
    source = f'from = "{source}"\n' if source else ""
    return f'\n[[detail.columns]]\nname = "{name}"\n{source}{more}\nexample = "{EXAMPLES.get(name, "A1")}"\n'


@dataclass(frozen=True)
class Campuses:
    """One campus, loaded in several ways: files that are read are moved aside, or stay; and whole, by its one way."""

    aside: Loaded
    stay: Loaded
    whole: Mapping[str, Loaded]

    @property
    def every(self) -> Sequence[Loaded]:
        """All of them."""
        return (self.aside, self.stay, *self.whole.values())


def made(folder: Path) -> Campuses:
    """Write the campus below ``folder`` and load it."""
    place = folder / "schemas" / "layouts" / "soak"
    place.mkdir(parents=True)
    (place / "receipts.toml").write_text(layout(), "utf-8")

    def loaded(name: str, processed: str, more: str = "") -> Loaded:
        text = CAMPUS.replace("PROCESSED", f'processed = "{processed}"')
        (folder / f"{name}.toml").write_text(f"{more}\n{text}", "utf-8")
        return load(folder / f"{name}.toml")

    whole = {way: loaded(way, ASIDE, f'payments_to = "{way}"\n{ROUTES}') for way in ("api", "import_file", "record")}
    return Campuses(loaded("aside", ASIDE), loaded("stay", ""), whole)


def telling(receive: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """Receive, and read the two things that a soak receipt says in fields of others.

    Several fees stand where one reference does (``1001:500|1002:300``), the sale that is taken back behind the tender
    (``CC/R17``); real layouts have columns for them.
    """

    def told(*given: Any) -> Outcome:
        outcome = receive(*given)
        for _, frame in outcome.all_rows():
            _say(frame)
        return outcome

    return told


def _say(frame: pd.DataFrame) -> None:
    references, methods = frame["fee_ref"].tolist(), frame["method"].tolist()
    if any(":" in one for one in references):
        signs = [-1 if cents < 0 else 1 for cents in frame["amount_cents"].tolist()]
        frame["fees"] = _texts(frame, [_fees(one, sign) for one, sign in zip(references, signs, strict=True)])
        frame["fee_ref"] = _texts(frame, ["" if ":" in one else one for one in references])
    if any("/" in one for one in methods):
        frame["origin_ref"] = _texts(frame, [one.partition("/")[2] for one in methods])
        frame["method"] = _texts(frame, [one.partition("/")[0] for one in methods])


def _fees(reference: str, sign: int) -> str:
    pairs = [one.partition(":") for one in reference.split("|")] if ":" in reference else []
    return json.dumps([[fee, sign * int(cents)] for fee, _, cents in pairs]) if pairs else ""


def _texts(frame: pd.DataFrame, values: list[str]) -> pd.Series[str]:
    import pandas as pd

    return pd.Series(values, index=frame.index, dtype="str")
