"""Finding the fee a payment is for: exactly one, or a reason."""

from __future__ import annotations

import pytest

from pipeline.ports.outside import AlmaFee, Busy, Refused
from pipeline.stages.locate import Memo, NotLocatedError, locate
from tests.fakes.alma import FakeAlma, Read, Scripted, a_fee
from tests.fakes.clock import FakeClock
from tests.fakes.postings import a_charge


def an_alma(*fees: AlmaFee, reads: list[Read] | None = None) -> FakeAlma:
    return FakeAlma(FakeClock(), [("P1", fee) for fee in fees], Scripted(reads or []))


@pytest.mark.parametrize("status", ["ACTIVE", "INDISPUTE", "EXPORTED", "CLOSED"])
def test_a_fee_is_found_in_whatever_status_it_is(status: str) -> None:
    alma = an_alma(a_fee("F1", status=status), a_fee("F2", bursar_id="B2"))
    assert locate(alma, a_charge(), Memo()).fee_id == "F1"
    assert alma.calls == ["list ACTIVE", "list INDISPUTE", "list EXPORTED", "list CLOSED"]


def test_a_patron_is_asked_about_once_a_night() -> None:
    alma, memo = an_alma(a_fee("F1"), a_fee("F2", bursar_id="B2")), Memo()
    locate(alma, a_charge(), memo)
    locate(alma, a_charge(fee_id="B2"), memo)
    assert len(alma.calls) == 4


def test_the_bursar_id_goes_before_almas_own_id() -> None:
    alma = an_alma(a_fee("B1", bursar_id="B9"), a_fee("F2", bursar_id="B1"))
    assert locate(alma, a_charge(), Memo()).fee_id == "F2"


def test_almas_own_id_serves_where_no_bursar_id_fits() -> None:
    alma = an_alma(a_fee("B1", bursar_id=""), a_fee("F2", bursar_id=""))
    assert locate(alma, a_charge(), Memo()).fee_id == "B1"


@pytest.mark.parametrize(
    ("fees", "code"),
    [
        ([], "LOCATE-NOT-FOUND"),
        ([a_fee("F2", bursar_id="B2")], "LOCATE-NOT-FOUND"),
        ([a_fee("F1"), a_fee("F2", status="CLOSED")], "LOCATE-AMBIGUOUS"),
    ],
)
def test_none_or_several_are_a_persons_matter(fees: list[AlmaFee], code: str) -> None:
    with pytest.raises(NotLocatedError) as not_located:
        locate(an_alma(*fees), a_charge(), Memo())
    assert not_located.value.code == code


def test_a_fee_that_moved_while_we_looked_counts_as_it_was_seen_last() -> None:
    class Moving(FakeAlma):
        def list_fees(self, patron_id: str, patron_id_type: str, status: str) -> tuple[AlmaFee, ...]:
            return (a_fee("F1", status=status),) if status in ("ACTIVE", "CLOSED") else ()

    assert locate(Moving(FakeClock(), [], Scripted()), a_charge(), Memo()).status == "CLOSED"


def test_a_look_that_failed_is_not_an_absence_and_what_did_come_is_kept() -> None:
    alma, memo = an_alma(a_fee("F1", status="CLOSED"), reads=[Read.FRESH, Read.BUSY]), Memo()
    with pytest.raises(Busy):
        locate(alma, a_charge(), memo)
    assert locate(alma, a_charge(), memo).fee_id == "F1"
    assert alma.calls.count("list ACTIVE") == 1


class Refusing(FakeAlma):
    def __init__(self, code: str, scope: str = "row") -> None:
        super().__init__(FakeClock(), [], Scripted())
        self._no = Refused(f"HTTP 400 ({code})", code=code, scope=scope)

    def list_fees(self, patron_id: str, patron_id_type: str, status: str) -> tuple[AlmaFee, ...]:
        raise self._no


@pytest.mark.parametrize(
    ("code", "held"),
    [
        ("401651", "LOCATE-NO-PATRON"),
        ("401861", "LOCATE-NO-PATRON"),
        ("401890", "LOCATE-NO-PATRON"),
        ("OTHER-PATRON", "LOCATE-NO-PATRON"),
        ("60258", "LOCATE-REFUSED"),
    ],
)
def test_a_patron_alma_does_not_give_is_a_persons_matter(code: str, held: str) -> None:
    with pytest.raises(NotLocatedError) as not_located:
        locate(Refusing(code), a_charge(), Memo())
    assert not_located.value.code == held
    assert code in str(not_located.value)


def test_a_refused_key_is_nobodys_missing_fee() -> None:
    with pytest.raises(Refused):
        locate(Refusing("401", "system"), a_charge(), Memo())
