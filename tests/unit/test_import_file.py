"""The file that Alma imports: the export's own structure, the amounts paid, and nothing that was not meant."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import files
from pipeline.ports.ledger import Posting, PostingState
from pipeline.readers import alma_count
from pipeline.readers.alma_ids import Node, originals
from pipeline.stages.import_file import Paid, document, read_back
from tests.nights import export

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = Posting("BP1", "K1", "P1", "02", "1001", 1000, "ONLINE", "", PostingState.READY, way="import_file")


def a_paid(*cents: int, fee_id: str = "1001", patron: str = "P1") -> Paid:
    postings = (replace(PLAIN, alma_fee_id=fee_id, patron_id=patron, cents=one) for one in cents)
    return Paid("USD", tuple(postings))


def written(path: Path, *paid: Paid, number: str = "100") -> str:
    files.replace(path, document(paid, number))
    return path.read_text("utf-8")


@pytest.mark.parametrize(
    ("cents", "text"), [(30000, "300"), (1250, "12.5"), (82, "0.82"), (50, "0.5"), (100, "1"), (12345, "123.45")]
)
def test_amounts_are_written_as_the_export_writes_them(tmp_path: Path, cents: int, text: str) -> None:
    assert f"<xb:sum>{text}</xb:sum>" in written(tmp_path / "f.xml", a_paid(cents))


def test_several_payments_of_one_fee_are_one_amount(tmp_path: Path) -> None:
    text = written(tmp_path / "f.xml", a_paid(400, 605))
    assert text.count("<xb:userFineFee>") == 1
    assert "<xb:sum>10.05</xb:sum>" in text


def test_a_patron_with_several_fees_stands_there_once(tmp_path: Path) -> None:
    paid = [a_paid(1, fee_id=fee, patron=who) for fee, who in (("3", "P2"), ("1", "P1"), ("2", "P2"))]
    text = written(tmp_path / "f.xml", *paid)
    assert text.count("<xb:user>") == 2
    assert [text.index(f"<xb:bursarTransactionId>{fee}<") for fee in "123"] == sorted(
        text.index(f"<xb:bursarTransactionId>{fee}<") for fee in "123"
    )


def test_the_same_payments_in_another_order_give_the_same_bytes(tmp_path: Path) -> None:
    paid = [a_paid(5, fee_id=fee) for fee in ("2", "1", "3")]
    assert written(tmp_path / "a", *paid) == written(tmp_path / "b", *reversed(paid))


def test_money_going_back_and_two_amounts_for_one_fee_are_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no payments of one fee"):
        a_paid(-5)
    with pytest.raises(ValueError, match="stands twice"):
        written(tmp_path / "f.xml", a_paid(5), a_paid(6))


def test_an_id_with_odd_signs_is_read_back_as_it_was(tmp_path: Path) -> None:
    paid = [a_paid(5, fee_id="A&B<1>", patron="o'neil & sons")]
    written(tmp_path / "f.xml", *paid)
    assert all(line.balanced for line in read_back(tmp_path / "f.xml", paid))


@given(st.dictionaries(st.from_regex(r"[A-Z0-9]{1,20}", fullmatch=True), st.integers(1, 99_999_999_99), min_size=1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
def test_what_is_read_back_is_what_was_paid(tmp_path: Path, fees: dict[str, int]) -> None:
    paid = [a_paid(cents, fee_id=fee) for fee, cents in fees.items()]
    written(tmp_path / "f.xml", *paid)
    lines = read_back(tmp_path / "f.xml", paid)
    assert all(line.balanced for line in lines)
    assert alma_count.count(tmp_path / "f.xml")["USD"].cents == sum(fees.values())


def test_a_file_that_says_something_else_is_found_even_where_the_sum_is_right(tmp_path: Path) -> None:
    meant = [a_paid(500, fee_id="1"), a_paid(700, fee_id="2")]
    for changed in ([a_paid(700, fee_id="1"), a_paid(500, fee_id="2")], meant[:1], [*meant, a_paid(1, fee_id="3")]):
        written(tmp_path / "f.xml", *changed)
        assert not all(line.balanced for line in read_back(tmp_path / "f.xml", meant))


class TestIdsOfAnExport:
    def test_every_element_that_may_be_an_id_is_kept_and_no_private_text(self, tmp_path: Path) -> None:
        text = export({"fee_id": "1001"}, {"fee_id": "1002"}, number="77")
        second = "<xb:secondId>S-1</xb:secondId><xb:vatId/><xb:bursarTransactionId>1002<"
        (tmp_path / "e.xml").write_text(text.replace("<xb:bursarTransactionId>1002<", second), "utf-8")
        found = originals(tmp_path / "e.xml", {"1002", "gone"})
        assert found.keys() == {"1002"}
        assert found["1002"].export_number == "77"
        assert found["1002"].user == (Node("type", "02"), Node("value", "001234567"))
        names = [node.name for node in found["1002"].fee]
        assert names == ["fineFeeType", "owneredEntity", "compositeSum", "secondId", "bursarTransactionId"]
        assert found["1002"].fee[3] == Node("secondId", "S-1")

    def test_a_fee_that_stands_there_twice_is_named_as_it_first_was(self, tmp_path: Path) -> None:
        (tmp_path / "e.xml").write_text(export({"owner": "FIRST"}, {"owner": "SECOND"}), "utf-8")
        assert "FIRST" in str(originals(tmp_path / "e.xml", {"1001"}))

    def test_an_element_of_a_foreign_namespace_is_passed_over(self, tmp_path: Path) -> None:
        odd = '<y:id xmlns:y="urn:y">1</y:id><xb:bursarTransactionId>'
        (tmp_path / "e.xml").write_text(export({}).replace("<xb:bursarTransactionId>", odd), "utf-8")
        assert "urn:y" not in str(originals(tmp_path / "e.xml", {"1001"}))
