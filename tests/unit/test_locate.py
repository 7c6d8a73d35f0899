"""Finding the fee a payment is for: exactly one, or a reason; and what is known of a patron meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.ports.outside import AlmaFee, Busy, Refused
from pipeline.stages.locate import NotLocatedError, PatronFees, Views, locate
from tests.fakes.alma import FakeAlma, Read, Scripted, a_fee, alone
from tests.fakes.clock import FakeClock
from tests.fakes.postings import a_charge

CLOCK = FakeClock()
EVERY = ["list ACTIVE", "list INDISPUTE", "list EXPORTED", "list CLOSED"]


def an_alma(*fees: AlmaFee, reads: list[Read] | None = None) -> FakeAlma:
    return FakeAlma(FakeClock(), [("P1", fee) for fee in fees], Scripted(reads or []))


def of(alma: FakeAlma, clock: FakeClock = CLOCK) -> PatronFees:
    return PatronFees(alma, clock, "P1", "02")


@pytest.mark.parametrize("status", ["INDISPUTE", "EXPORTED", "CLOSED"])
def test_a_fee_is_found_in_whatever_status_it_is(status: str) -> None:
    alma = an_alma(a_fee("F1", status=status), a_fee("F2", bursar_id="B2"))
    assert locate(a_charge(), of(alma)).fee_id == "F1"
    assert alma.calls == EVERY


def test_an_open_fee_is_found_in_one_question_and_a_patron_is_asked_about_once() -> None:
    alma = an_alma(a_fee("F1"), a_fee("F2", bursar_id="B2"))
    fees = of(alma)
    assert locate(a_charge(), fees).fee_id == "F1"
    assert locate(a_charge(fee_id="B2"), fees).fee_id == "F2"
    assert alma.calls == ["list ACTIVE"]
    locate(a_charge(), fees, everywhere=True)
    assert alma.calls == EVERY


def test_what_is_too_old_is_asked_for_anew() -> None:
    alma, clock = an_alma(a_fee("F1")), FakeClock()
    fees = of(alma, clock)
    fees.active()
    clock.sleep(599)
    assert set(fees.known) == {"F1"}
    clock.sleep(2)
    assert fees.known == {}
    fees.active()
    assert alma.calls == ["list ACTIVE"] * 2


def test_what_our_own_payment_changed_is_known_and_what_nobody_knows_is_forgotten() -> None:
    fees = of(an_alma(a_fee("F1"), a_fee("F2", bursar_id="B2")))
    fees.active()
    fees.paid(alone(a_fee("F1", status="CLOSED", balance=0)))
    fees.forget("F2")
    assert {one.fee_id: (one.status, one.currency) for one in fees.known.values()} == {"F1": ("CLOSED", "USD")}


def test_what_was_read_alone_is_known_while_it_is_fresh_and_is_on_no_list() -> None:
    alma, clock = an_alma(a_fee("F1", status="INDISPUTE"), a_fee("F2", bursar_id="B2")), FakeClock()
    fees = of(alma, clock)
    fees.active()
    fees.read("export", alone(alma.fee("F1")))
    assert (set(fees.known), set(fees.active())) == ({"F1", "F2"}, {"F2"})
    assert fees.of_status("INDISPUTE")["F1"].currency == fees.known["F1"].currency == "USD"
    fees.read("export", alone(a_fee("F3", bursar_id="B3")))
    fees.paid(alone(a_fee("F3", bursar_id="B3", balance=0)))
    assert set(fees.known) == {"F1", "F2"}
    fees.read("export", alone(a_fee("F3", bursar_id="B3")))
    fees.forget("F3")
    assert set(fees.known) == {"F1", "F2"}
    fees.read("export", alone(a_fee("F3", bursar_id="B3")))
    clock.sleep(601)
    fees.active()
    assert set(fees.known) == {"F2"}


def test_the_bursar_id_goes_before_almas_own_id_wherever_it_stands() -> None:
    alma = an_alma(a_fee("B1", bursar_id="B9"), a_fee("F2", bursar_id="B1", status="CLOSED"))
    assert locate(a_charge(), of(alma)).fee_id == "F2"


def test_almas_own_id_serves_where_no_bursar_id_fits() -> None:
    alma = an_alma(a_fee("B1", bursar_id=""), a_fee("F2", bursar_id=""))
    assert locate(a_charge(), of(alma)).fee_id == "B1"
    assert alma.calls == ["list ACTIVE"]
    assert locate(a_charge(), of(an_alma(a_fee("B1", bursar_id="B9")))).fee_id == "B1"


def test_a_debt_that_goes_on_under_another_id_is_found_under_that() -> None:
    alma = an_alma(a_fee("F1", status="CLOSED", balance=0), a_fee("F2", bursar_id="B2"))
    assert locate(a_charge(continued_by=("B2",)), of(alma)).fee_id == "F2"


DONE = {"status": "CLOSED", "balance": 0}


@pytest.mark.parametrize(
    ("own", "older", "newer", "found"),
    [(DONE, DONE, {}, "F3"), (DONE, {}, DONE, "F2"), ({}, DONE, DONE, "F1"), (DONE, DONE, DONE, "F3")],
)
def test_of_the_fees_that_continue_a_debt_it_is_the_open_one_else_the_newest(
    own: dict[str, Any], older: dict[str, Any], newer: dict[str, Any], found: str
) -> None:
    fees = (a_fee("F1", **own), a_fee("F2", bursar_id="B2", **older), a_fee("F3", bursar_id="B3", **newer))
    assert locate(a_charge(continued_by=("B2", "B3")), of(an_alma(*fees))).fee_id == found


def test_a_debt_that_stands_on_several_open_fees_is_a_persons_matter_and_all_are_named() -> None:
    fees = (a_fee("F1", balance=600), a_fee("F2", bursar_id="B2", original=400, status="INDISPUTE"))
    with pytest.raises(NotLocatedError, match=r"on 2 open fees: 6\.00 on fee F1, 4\.00 on fee F2") as not_located:
        locate(a_charge(continued_by=("B2",)), of(an_alma(*fees)))
    assert not_located.value.code == "FEE-IN-PARTS"


def test_where_the_newest_fee_of_a_debt_is_not_shown_an_older_one_is_not_taken_for_it() -> None:
    with pytest.raises(NotLocatedError) as not_located:
        locate(a_charge(continued_by=("B2",)), of(an_alma(a_fee("F1"))))
    assert not_located.value.code == "LOCATE-NOT-FOUND"


@pytest.mark.parametrize(
    ("fees", "code"),
    [
        ([], "LOCATE-NOT-FOUND"),
        ([a_fee("F2", bursar_id="B2")], "LOCATE-NOT-FOUND"),
        ([a_fee("F1"), a_fee("F2")], "LOCATE-AMBIGUOUS"),
    ],
)
def test_none_or_several_are_a_persons_matter(fees: list[AlmaFee], code: str) -> None:
    with pytest.raises(NotLocatedError) as not_located:
        locate(a_charge(), of(an_alma(*fees)))
    assert not_located.value.code == code


def test_a_fee_that_moved_while_we_looked_counts_as_it_was_seen_last() -> None:
    class Moving(FakeAlma):
        def list_fees(self, patron_id: str, patron_id_type: str, status: str) -> tuple[AlmaFee, ...]:
            return (a_fee("F1", status=status),) if status in ("ACTIVE", "CLOSED") else ()

    moving = of(Moving(FakeClock(), [], Scripted()))
    assert locate(a_charge(), moving, everywhere=True).status == "CLOSED"


def test_a_look_that_failed_is_not_an_absence_and_is_not_tried_again_in_this_run() -> None:
    alma = an_alma(a_fee("F1", status="CLOSED"), reads=[Read.FRESH, Read.BUSY])
    fees = of(alma)
    for _ in range(2):
        with pytest.raises(Busy):
            locate(a_charge(), fees)
    assert len(alma.calls) == 2


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
        locate(a_charge(), of(Refusing(code)))
    assert not_located.value.code == held
    assert code in str(not_located.value)


def test_a_refused_key_is_nobodys_missing_fee() -> None:
    with pytest.raises(Refused):
        locate(a_charge(), of(Refusing("401", "system")))


def test_where_the_fees_of_a_source_were_found_the_next_ones_are_looked_for_first() -> None:
    one, two = (a_fee(f"F{number}", bursar_id=f"B{number}", status="EXPORTED") for number in (1, 2))
    alma = FakeAlma(FakeClock(), [("P1", one), ("P2", two)], Scripted())
    views = Views(alma, FakeClock())
    first, second = a_charge(), a_charge(fee_id="B2", patron_id="P2")
    assert locate(first, views.of(first)).fee_id == "F1"
    assert len(alma.calls) == 4
    assert locate(second, views.of(second)).fee_id == "F2"
    assert len(alma.calls) == 5, "one question for the next patron"
    other = replace(second, source="another")
    assert locate(other, Views(alma, FakeClock()).of(other)).fee_id == "F2"
    assert len(alma.calls) == 9, "another source may have its fees elsewhere"
