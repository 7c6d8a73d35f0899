"""Whole nights, one after the other, as a campus lives them."""

from __future__ import annotations

import errno
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import files, stages
from pipeline.adapters.folder import FolderPlace
from pipeline.cli import decide
from pipeline.cli.failures import UsageError
from pipeline.ports.ledger import PaymentState, PostingState
from tests.nights import Nights, codes
from tests.samples import CAMPUS, SAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.ports.outside import Place

STUDENT = {"patron_id": "001234567"}
GUEST = {"patron_id_type": "userName", "patron_id": "guest@example.edu"}
HEADINGS = "Emplid,Date Paid,Reference Number,Charge Amount,Paid Amount,Item Type,Charge Description\n"
PAID = "001234567,01/05/2026,1001,10.00,5.00,300000007000,Overdue fine\n"


def test_an_unmapped_type_is_held_and_goes_out_once_one_line_is_added_without_any_export(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {**STUDENT, "fee_type": "NEW_TYPE"})
    first = nights.night(1)
    assert codes(first, "CHARGES_OUT", "held") == ["NORMALISE-UNMAPPED-TYPE"]
    assert (first.sent, first.exit_code) == (0, 1)
    (tmp_path / "exchange" / "alma" / "a.xml").unlink()
    assert nights.night(2).exit_code == 0
    nights.say('\n[fee_types]\nNEW_TYPE = { label = "New", codes = { peoplesoft = { item_type = "300000007999" } } }\n')
    third = nights.night(3)
    assert third.sent == 1
    [(name, text)] = nights.delivered("peoplesoft/in").items()
    assert name == "LIB_charges_20260107_0001.dat"
    assert "300000007999" in text
    assert nights.night(4).sent == 0


def test_every_step_leaves_its_tables_for_people_and_none_twice(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.keep_stages = True
    nights.exported("a.xml", STUDENT, {**STUDENT, "fee_id": "1002", "fee_type": "NEW_TYPE"})
    night = nights.night(1)
    names = sorted(path.name for path in (night.folder / "charges_out" / "stages").iterdir())
    made = [name.partition("-")[2].removesuffix(".parquet") for name in names]
    assert made == [  # render passes on what batch made
        *("collect-passed", "parse-passed", "identify-passed", "normalise-held", "normalise-passed", "compare-passed"),
        *("ask-passed", "lower-passed", "route-passed", "code-passed", "recognise-passed", "brake-passed"),
        *("batch-passed", "review-passed"),
    ]


def test_nothing_goes_to_the_ledger_before_the_tables_it_comes_of_are_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = Nights(tmp_path)
    nights.keep_stages = True
    nights.exported("a.xml", {**STUDENT, "amount_text": "10"})
    nights.night(1)
    nights.drop("peoplesoft/out", "LIBRARY_PAID_1.csv", HEADINGS + PAID)
    write = files.replace

    def full(path: Path, blocks: Iterable[bytes]) -> str:
        if path.name.startswith("01-receive"):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write(path, blocks)

    with monkeypatch.context() as patch:
        patch.setattr(files, "replace", full)
        assert nights.night(2).exit_code == 2
    with closing(nights.ledger()) as ledger:
        assert list(ledger.payments_in(*PaymentState)) == []
    assert nights.night(3).posted == 1


def test_the_second_snapshot_holds_the_debts_of_both_nights(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {**GUEST, "fee_id": "1001"})
    nights.night(1)
    nights.exported("b.xml", {**GUEST, "fee_id": "1002", "amount_text": "3"}, number="101")
    nights.night(2)
    first, second = nights.delivered("cashnet/in").values()
    assert [first.count(",1001,"), first.count(",1002,")] == [1, 0]
    assert [second.count(",1001,"), second.count(",1002,")] == [1, 1]


def test_two_truly_equal_payments_in_cumulative_files_are_two_postings(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {**STUDENT, "amount_text": "10"})
    nights.night(1)
    nights.drop("peoplesoft/out", "LIBRARY_PAID_1.csv", HEADINGS + PAID)
    assert nights.night(2).posted == 1
    nights.drop("peoplesoft/out", "LIBRARY_PAID_2.csv", HEADINGS + PAID)
    again = nights.night(3)
    assert (again.posted, again.already) == (0, 1)
    nights.drop("peoplesoft/out", "LIBRARY_PAID_3.csv", HEADINGS + PAID + PAID)
    assert nights.night(4).posted == 1
    assert nights.alma.fee("F1001").balance_cents == 0
    assert [order.cents for order in nights.alma.applied] == [500, 500]
    assert nights.night(5).posted == 0


def test_a_payment_lowers_the_next_snapshot_once_and_is_verified_later(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {**GUEST, "amount_text": "10"}, {**GUEST, "fee_id": "1002", "amount_text": "20"})
    nights.night(1)
    nights.drop(
        "cashnet/out",
        "CASHNET_PAYMENTS_1.csv",
        "RECTYPE,TX,LINE,TRANSTYPE,STATUS,BUSDATE,CUSTCODE,PMTCODE,ITEMCODE,AMOUNT,REF1TYPE,REF1VAL\r\n"
        "D,777,1,SALE,CLOSED,1/5/2026,guest@example.edu,CC,LIB-OVERDUE,4.00,ALMA_FEE_ID,1001\r\n"
        "D,777,2,SALE,CLOSED,1/5/2026,guest@example.edu,CC,CONVFEE,0.35,,\r\n"
        "T,2,4.35\r\n",
    )
    second = nights.night(2)
    assert (second.posted, second.sent) == (1, 1)
    assert codes(second, "PAYMENTS_IN", "excluded") == ["PAYMENT-NOT-OURS"]
    _, lower = nights.delivered("cashnet/in").values()
    assert ",6.00," in lower
    assert ",20.00," in lower
    third = nights.night(3)
    assert (third.posted, third.sent, third.exit_code) == (0, 0, 0)
    ledger = nights.ledger()
    assert len(ledger.postings(PostingState.VERIFIED)) == 1
    ledger.close()


def test_an_empty_snapshot_waits_for_a_person(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {**GUEST, "amount_text": "10"})
    nights.night(1)
    nights.drop(
        "cashnet/out",
        "CASHNET_PAYMENTS_1.csv",
        "RECTYPE,TX,LINE,TRANSTYPE,STATUS,BUSDATE,CUSTCODE,PMTCODE,ITEMCODE,AMOUNT,REF1TYPE,REF1VAL\r\n"
        "D,777,1,SALE,CLOSED,1/5/2026,guest@example.edu,CC,LIB-OVERDUE,10.00,ALMA_FEE_ID,1001\r\n"
        "T,1,10.00\r\n",
    )
    second = nights.night(2)
    assert [finding.code for finding in second.findings if finding.stops] == ["SNAPSHOT-SMALLER"]
    assert (second.sent, second.exit_code) == (0, 2)
    assert nights.night(3, approved=frozenset({"cashnet"})).sent == 1
    assert nights.night(4).sent == 0


class Unreachable(Nights):
    """CASHNet's folders whose names begin with ``gone`` are out of reach while ``down``."""

    down = False
    gone = "cashnet"

    def place(self, connection: str, folder: str) -> Place:
        if self.down and folder.startswith(self.gone):
            return FolderPlace(self.folder / "nowhere")
        return super().place(connection, folder)


def test_after_three_days_out_of_reach_the_newest_snapshot_goes_and_the_older_ones_never(tmp_path: Path) -> None:
    nights = Unreachable(tmp_path)
    nights.exported("a.xml", {**GUEST, "fee_id": "1001"})
    nights.night(1)
    nights.down = True
    for day, fee in ((2, "1002"), (3, "1003")):
        nights.exported(f"{fee}.xml", {**GUEST, "fee_id": fee}, {**STUDENT, "fee_id": f"9{fee}"}, number=fee)
        night = nights.night(day)
        assert (night.sent, night.exit_code) == (1, 2), "PeopleSoft goes on"
    nights.down = False
    assert nights.night(4).sent == 1
    _, newest = nights.delivered("cashnet/in").values()
    assert [newest.count(f",{fee},") for fee in ("1001", "1002", "1003")] == [1, 1, 1]
    assert nights.night(5).sent == 0


def test_a_snapshot_that_never_arrived_is_replaced_even_when_the_debts_are_as_before_it(tmp_path: Path) -> None:
    nights = Unreachable(tmp_path)
    nights.gone = "cashnet/in"
    nights.exported("a.xml", {**GUEST, "amount_text": "10"})
    nights.night(1)
    nights.down = True
    nights.exported("b.xml", {**GUEST, "fee_id": "1002", "amount_text": "3"}, number="101")
    nights.night(2)
    nights.down = False
    nights.drop(
        "cashnet/out",
        "CASHNET_PAYMENTS_1.csv",
        "RECTYPE,TX,LINE,TRANSTYPE,STATUS,BUSDATE,CUSTCODE,PMTCODE,ITEMCODE,AMOUNT,REF1TYPE,REF1VAL\r\n"
        "D,777,1,SALE,CLOSED,1/6/2026,guest@example.edu,CC,LIB-OVERDUE,3.00,ALMA_FEE_ID,1002\r\n"
        "T,1,3.00\r\n",
    )
    nights.night(3)
    newest = list(nights.delivered("cashnet/in").values())[-1]
    assert ",1002," not in newest, "it is paid, and the file that offered it was never published"
    assert ",1001," in newest


def test_a_contradiction_ends_when_a_person_rejects_one_version(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {**STUDENT, "amount_text": "10"}, {**STUDENT, "amount_text": "14"})
    assert codes(nights.night(1), "CHARGES_OUT", "held") == ["CONTENT-DIFFERS"] * 2
    assert decide.reject(decide.Named("1001", 1), nights.campus_file, "the desk says 14.00") == 0
    assert nights.night(2).sent == 1
    [text] = nights.delivered("peoplesoft/in").values()
    assert "14.00" in text
    with pytest.raises(UsageError, match="is charged, not held"):
        decide.reject(decide.Named("1001"), nights.campus_file, "again")


LONG = "Emplid,Date Paid,Reference Number,Paid Amount,Item Type\n"
SHORT = "Emplid,Date Paid,Reference Number,Paid Amount\n"


def test_a_column_that_a_bursar_adds_makes_no_old_payment_new(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {**STUDENT, "amount_text": "10"})
    nights.night(1)
    nights.drop("peoplesoft/out", "LIBRARY_PAID_1.csv", SHORT + "001234567,01/05/2026,1001,5.00\n")
    assert nights.night(2).posted == 1
    nights.drop("peoplesoft/out", "LIBRARY_PAID_2.csv", LONG + "001234567,01/05/2026,1001,5.00,300000007000\n")
    assert nights.night(3).posted == 0
    assert nights.alma.fee("F1001").balance_cents == 500


def receipt(number: int, amount: str, reference: str = "1001") -> str:
    return (
        "RECTYPE,TX,LINE,TRANSTYPE,STATUS,BUSDATE,CUSTCODE,PMTCODE,ITEMCODE,AMOUNT,REF1TYPE,REF1VAL\r\n"
        f"D,{number},1,SALE,CLOSED,1/6/2026,guest@example.edu,CC,LIB-OVERDUE,{amount},ALMA_FEE_ID,{reference}\r\n"
        f"T,1,{amount}\r\n"
    )


@pytest.mark.parametrize("together", [True, False], ids=["one-night", "two-nights"])
def test_a_receipt_that_says_other_money_is_held_and_stays_listed(tmp_path: Path, *, together: bool) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {**GUEST, "amount_text": "10"})
    nights.night(1)
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_1.csv", receipt(777, "4.00"))
    if not together:
        nights.night(2)
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_2.csv", receipt(777, "6.00"))
    night = nights.night(3)
    assert codes(night, "PAYMENTS_IN", "held") == ["PAYMENT-CHANGED"]
    assert night.exit_code == 1
    assert nights.night(9).exit_code == 0
    ledger = nights.ledger()
    assert [one.code for one in ledger.payments_in(PaymentState.HELD)] == ["PAYMENT-CHANGED"]
    ledger.close()
    assert [order.cents for order in nights.alma.applied] == [400]


def test_a_payment_that_came_before_its_charge_is_posted_once_the_charge_is_sent(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_1.csv", receipt(777, "4.00"))
    assert nights.night(1).posted == 0
    nights.exported("a.xml", {**GUEST, "amount_text": "10"})
    assert nights.night(2).posted == 0
    assert nights.night(3).posted == 1
    assert ",6.00," in list(nights.delivered("cashnet/in").values())[-1]
    assert [finding.code for finding in nights.night(4).findings if finding.stops] == [], "nor is the ledger in doubt"


def test_while_a_systems_payments_cannot_be_read_its_snapshot_waits_and_the_other_system_goes_on(
    tmp_path: Path,
) -> None:
    nights = Unreachable(tmp_path)
    nights.gone = "cashnet/out"
    nights.exported("a.xml", {**GUEST, "amount_text": "10"})
    nights.night(1)
    nights.down = True
    nights.exported("b.xml", {**GUEST, "fee_id": "1002"}, {**STUDENT, "fee_id": "1003"}, number="101")
    night = nights.night(2)
    assert "SNAPSHOT-UNREAD" in [finding.code for finding in night.findings]
    assert (len(nights.delivered("cashnet/in")), len(nights.delivered("peoplesoft/in"))) == (1, 1)
    nights.down = False
    assert nights.night(3).sent == 1
    assert ",1002," in list(nights.delivered("cashnet/in").values())[-1]


def test_a_stopped_snapshot_does_not_let_an_older_unsent_one_out(tmp_path: Path) -> None:
    nights = Unreachable(tmp_path)
    nights.gone = "cashnet/in"
    nights.exported("a.xml", {**GUEST, "amount_text": "10"}, {**GUEST, "fee_id": "1002", "amount_text": "20"})
    nights.night(1)
    nights.down = True
    nights.exported("b.xml", {**GUEST, "fee_id": "1003", "amount_text": "1"}, number="101")
    nights.night(2)
    nights.down = False
    both = receipt(777, "10.00") + receipt(778, "20.00", "1002")
    for number, text in enumerate(both.split("RECTYPE")[1:]):
        nights.drop("cashnet/out", f"CASHNET_PAYMENTS_{number}.csv", "RECTYPE" + text)
    assert "SNAPSHOT-SMALLER" in [finding.code for finding in nights.night(3).findings]
    assert len(nights.delivered("cashnet/in")) == 1


def test_a_fault_of_the_program_is_told_and_the_next_night_goes_on(tmp_path: Path) -> None:
    def broken(name: str) -> Any:
        def fault(*_: object, **__: object) -> None:
            message = "planted"
            raise ZeroDivisionError(message)

        return fault if name == "route" else stages.find(name)

    nights = Nights(tmp_path, find=broken)
    nights.exported("a.xml", STUDENT)
    night = nights.night(1)
    assert [finding.code for finding in night.findings if finding.stops] == ["NIGHT-FAULT"]
    assert night.exit_code == 2
    assert (night.folder / "report.html").is_file()
    assert "planted" in (night.folder / "charges_out" / "fault.txt").read_text("utf-8")
    assert Nights.again(nights).night(2).sent == 1


def test_an_export_that_was_cut_off_goes_out_once_the_whole_one_lies_under_its_name(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", STUDENT)
    path = tmp_path / "exchange" / "alma" / "a.xml"
    whole = path.read_text("utf-8")
    path.write_text(whole[:-40], "utf-8")
    assert [finding.code for finding in nights.night(1).findings if finding.stops] == ["FILE-NOT-WHOLE"]
    assert [finding.code for finding in nights.night(2).findings if finding.stops] == ["FILE-NOT-WHOLE"]
    path.write_text(whole, "utf-8")
    assert nights.night(3).sent == 1


def test_a_campus_file_that_lost_a_name_of_the_ledger_sends_nothing(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {**GUEST, "amount_text": "10"})
    nights.night(1)
    text = (
        CAMPUS.read_text("utf-8")
        .replace("../common.toml", str(SAMPLES / "common.toml"))
        .replace("cashnet", "portal")
        .replace("portal/", "cashnet/")
    )
    nights.campus_file.write_text(text, "utf-8")
    nights.exported("b.xml", {**GUEST, "fee_id": "1002"}, number="101")
    night = nights.night(2)
    assert "LEDGER-NAMES" in [finding.code for finding in night.findings]
    assert (night.sent, night.exit_code) == (0, 2)


def test_a_batcher_that_forgets_an_outstanding_debt_is_named(tmp_path: Path) -> None:
    def forgetful(name: str) -> Any:
        true = stages.find(name)

        def batch(*given: Any, **known: Any) -> Any:
            outcome = true(*given, **known)
            rows = outcome.passed
            return replace(outcome, passed=rows[~rows["carried"] | (rows["fee_id"] != "1001")])

        return batch if name == "batch" else true

    nights = Nights(tmp_path)
    nights.exported("a.xml", {**GUEST, "amount_text": "10"}, {**GUEST, "fee_id": "1002", "amount_text": "20"})
    nights.night(1)
    nights.exported("b.xml", {**GUEST, "fee_id": "1003"}, number="101")
    night = Nights.again(nights, find=forgetful).night(2)
    [stop] = [finding for finding in night.findings if finding.stops]
    assert stop.text.startswith("batch: cashnet: repeated = owed")
    assert "1 rows and 1000 cents missing" in stop.text
    assert len(nights.delivered("cashnet/in")) == 1


def test_an_export_with_an_odd_name_is_named_and_not_passed_over_in_silence(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("odd\nname.xml", STUDENT)
    night = nights.night(1)
    assert [finding.code for finding in night.findings if finding.stops] == ["FETCH-REFUSED"]
    assert "rename the file" in night.findings[0].text
    (tmp_path / "exchange" / "alma" / "odd\nname.xml").rename(tmp_path / "exchange" / "alma" / "plain.xml")
    assert nights.night(2).sent == 1
