"""What becomes of a payment after an export: paid through the API, imported by Alma, or kept as settled."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from pipeline import nightly
from pipeline.money import cents
from pipeline.ports.ledger import PaymentState
from tests.nights import NAMESPACE, Nights

if TYPE_CHECKING:
    from pathlib import Path

STUDENT = {"patron_id": "001234567"}
HEADINGS = "Emplid,Date Paid,Reference Number,Charge Amount,Paid Amount,Item Type,Charge Description\n"
IMPORTS = '[imports]\nconnection = "library"\nfolder = "import"\n'


def paid(*rows: tuple[str, str, str]) -> str:
    """A cumulative file: fee, amount and day of each payment."""
    lines = (f"001234567,{day},{fee},10.00,{amount},300000007000,Overdue fine\n" for fee, amount, day in rows)
    return HEADINGS + "".join(lines)


class Ways(Nights):
    """A campus that changes its mind; its Alma imports what lies in a folder."""

    def goes(self, way: str) -> None:
        (self.folder / "exchange" / "alma" / "import").mkdir(exist_ok=True)
        base = self.campus_file.read_text("utf-8").splitlines()[0]
        alma = '[alma]\nurl = "https://alma.example.edu"\n'
        self.campus_file.write_text(f'{base}\npayments_to = "{way}"\n\n{alma}\n{IMPORTS}', "utf-8")

    def import_files(self) -> dict[str, dict[str, str]]:
        """What lies there for Alma: bursar transaction ids and sums."""
        return {
            path.name: {
                row.findtext(f"{{{NAMESPACE}}}bursarTransactionId", ""): row.findtext(f".//{{{NAMESPACE}}}sum", "")
                for row in ET.parse(path).iter(f"{{{NAMESPACE}}}userFineFee")  # noqa: S314 - our own file
            }
            for path in sorted((self.folder / "exchange" / "alma" / "import").glob("*.xml"))
        }

    def alma_imports(self) -> None:
        """Alma's job takes every file that lies there."""
        for name, rows in self.import_files().items():
            for fee_id, amount in rows.items():
                self.alma.pay_by_hand(f"F{fee_id}", cents(amount), "PAYMENT_IMPORTED")
            (self.folder / "exchange" / "alma" / "import" / name).unlink()

    def alma_took(self) -> None:
        """Alma takes the files, and nobody sees what she does with them."""
        for name in self.import_files():
            (self.folder / "exchange" / "alma" / "import" / name).unlink()

    def stands(self) -> dict[str, list[str]]:
        """State of each posting, by fee."""
        with closing(self.ledger()) as ledger:
            found: dict[str, list[str]] = {}
            for payment in ledger.payments_in(PaymentState.ALLOCATED):
                for posting in ledger.postings_of(payment.key):
                    found.setdefault(posting.fee_id, []).append(f"{posting.way} {posting.state} {posting.cents}")
            return found


def test_a_campus_that_changes_its_way_settles_old_charges_the_old_way(tmp_path: Path) -> None:
    nights = Ways(tmp_path)
    for day, (way, fee) in enumerate((("api", "1001"), ("import_file", "1002"), ("record", "1003")), start=1):
        nights.goes(way)
        nights.exported(f"{fee}.xml", {**STUDENT, "fee_id": fee, "amount_text": "10"}, number=fee)
        assert nights.night(day).exit_code == 1
    rows = [("1001", "10.00", "01/07/2026"), ("1002", "4.50", "01/07/2026"), ("1003", "10.00", "01/07/2026")]
    nights.drop("peoplesoft/out", "LIBRARY_PAID_1.csv", paid(*rows))
    fourth = nights.night(4)
    assert [one.code for one in fourth.findings if one.stops] == []
    assert nightly.summary(fourth).split(", ")[1] == "2 payments settled"
    assert nights.stands() == {
        "1001": ["api posted 1000"],
        "1002": ["import_file listed 450"],
        "1003": ["record recorded 1000"],
    }
    assert nights.import_files() == {"payments_alma_20260108_0001.xml": {"1002": "4.5"}}
    nights.alma_imports()
    nights.drop("peoplesoft/out", "LIBRARY_PAID_2.csv", paid(*rows))
    fifth = nights.night(5)
    assert [one.code for one in fifth.findings if one.stops] == []
    assert nights.stands()["1002"] == ["import_file verified 450"]
    assert nights.import_files() == {}
    assert [order.cents for order in nights.alma.applied] == [1000]
    with closing(nights.ledger()) as ledger:
        assert ledger.open_items("peoplesoft")["fee_id"].tolist() == ["1002"]
        assert [row for row in ledger.held_rows() if row["kind"] in ("payment", "posting")] == []
        assert ledger.standing()["postings"] == {"verified": (2, 1450), "recorded": (1, 1000)}


def test_an_import_file_is_the_exports_own_structure_and_repeats_its_ids(tmp_path: Path) -> None:
    nights = Ways(tmp_path)
    nights.goes("import_file")
    fees = [{**STUDENT, "fee_id": fee, "amount_text": "10"} for fee in ("1001", "1002")]
    nights.exported("a.xml", *fees, number="15216075870006761")
    path = tmp_path / "exchange" / "alma" / "a.xml"
    second = "<xb:internalId>77001</xb:internalId><xb:bursarTransactionId>1001<"
    path.write_text(path.read_text("utf-8").replace("<xb:bursarTransactionId>1001<", second), "utf-8")
    nights.night(1)
    rows = [("1001", "10.00", "01/05/2026"), ("1002", "3.00", "01/05/2026"), ("1002", "0.50", "01/05/2026")]
    nights.drop("peoplesoft/out", "LIBRARY_PAID_1.csv", paid(*rows))
    nights.night(2, "payments")
    (file,) = (tmp_path / "exchange" / "alma" / "import").glob("*.xml")
    owner = "<xb:InstitutionId>9901</xb:InstitutionId><xb:libraryCode>MAIN</xb:libraryCode>"
    owner = f"<xb:owneredEntity>{owner}</xb:owneredEntity>"
    named = "<xb:bursarTransactionId>{}</xb:bursarTransactionId>"
    fee = (
        "<xb:userFineFee><xb:fineFeeType>OVERDUEFINE</xb:fineFeeType>{0}<xb:compositeSum><xb:currency>USD</xb:currency>"
    )
    fee += "<xb:sum>{1}</xb:sum></xb:compositeSum>{2}</xb:userFineFee>\n"
    assert file.read_text("utf-8") == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<xb:xml-fragment xmlns:xb="{NAMESPACE}">\n'
        "<xb:userExportedFineFees><xb:exportNumber>15216075870006761</xb:exportNumber></xb:userExportedFineFees>\n"
        "<xb:userExportedFineFees><xb:userExportedList>\n"
        "<xb:userExportedFineFeesList><xb:user><xb:type>02</xb:type><xb:value>001234567</xb:value></xb:user>"
        "<xb:finefeeList>\n"
        + fee.format(owner, "10", f"<xb:internalId>77001</xb:internalId>{named.format(1001)}")
        + fee.format(owner, "3.5", named.format(1002))
        + "</xb:finefeeList></xb:userExportedFineFeesList>\n"
        "</xb:userExportedList></xb:userExportedFineFees>\n</xb:xml-fragment>\n"
    )
    assert nights.delivered("peoplesoft/in").keys() == {"LIB_charges_20260105_0001.dat"}
    run = tmp_path / "state" / "runs" / "2026-01-06-01"
    told = json.loads((run / "manifest.json").read_bytes())
    assert [(one["system"], one["kind"], one["count"], one["cents"], one["state"]) for one in told["went_out"]] == [
        ("alma", "payment", 3, 1350, "sent")
    ]
    assert not (run / "run_sheet.html").exists()
    assert file.name in (run / "report.html").read_text("utf-8")


def test_payments_after_an_export_of_closed_fees_are_held_and_not_handed_over(tmp_path: Path) -> None:
    nights = Ways(tmp_path)
    nights.goes("import_file")
    nights.exported("a.xml", {**STUDENT, "fee_id": "1001", "amount_text": "10"})
    nights.night(1)
    nights.alma.change(replace(nights.alma.fee("F1001"), status="CLOSED", balance_cents=0))
    nights.drop("peoplesoft/out", "LIBRARY_PAID_1.csv", paid(("1001", "10.00", "01/05/2026")))
    second = nights.night(2)
    assert "FEE-CLOSED" in [one.code for one in second.findings]
    assert nights.stands() == {"1001": ["import_file held 1000"]}
    assert nights.import_files() == {}


def test_without_an_api_key_what_alma_does_not_show_stands_in_the_report_after_a_week(tmp_path: Path) -> None:
    nights = Ways(tmp_path)
    nights.goes("import_file")
    nights.exported("a.xml", {**STUDENT, "fee_id": "1001", "amount_text": "10"})
    nights.night(1)
    nights.alma = None
    nights.drop("peoplesoft/out", "LIBRARY_PAID_1.csv", paid(("1001", "10.00", "01/05/2026")))
    nights.night(2)
    nights.alma_took()
    nights.clock.sleep(7 * 86_400)
    late = nights.night(10)
    assert [one.code for one in late.findings if one.code.startswith("IMPORT")] == ["IMPORT-UNSEEN"]
    assert nights.stands() == {"1001": ["import_file listed 1000"]}
    assert "IMPORT-UNSEEN" in (late.folder / "report.html").read_text("utf-8")
    assert nights.import_files() == {}
