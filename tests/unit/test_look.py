"""Looking at a fee: what may be believed, and what proves nothing."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pipeline.ports.ledger import Posting, PostingState
from pipeline.ports.outside import AlmaFee, AlmaTransaction, Busy, Lost, OutsideError, PayOrder, Refused
from pipeline.stages.look import Sight, judge, look, sums_close
from pipeline.stages.meter import Metered
from tests.fakes.alma import a_fee

X = "BPABCDEFGHIJKLMNOP-01"
POSTING = Posting(X, "K1", "P1", "02", "F1", 400, "ONLINE", "", PostingState.UNKNOWN)
HIDDEN = Refused("closed", code="CLOSED-FEE")


@dataclass
class Saying:
    """An Alma that says one thing to each question; an error is raised."""

    single: AlmaFee | OutsideError
    closed: list[AlmaFee] | OutsideError

    def get_fee(self, patron_id: str, patron_id_type: str, fee_id: str) -> AlmaFee:
        if isinstance(self.single, OutsideError):
            raise self.single
        return self.single

    def list_fees(self, patron_id: str, patron_id_type: str, status: str) -> list[AlmaFee]:
        assert status == "CLOSED"
        if isinstance(self.closed, OutsideError):
            raise self.closed
        return self.closed

    def pay(self, order: PayOrder) -> AlmaFee:
        raise Lost(order.external_id)


def paid(cents: int, external_id: str = X) -> AlmaTransaction:
    return AlmaTransaction("PAYMENT", cents, external_id)


@pytest.mark.parametrize(
    ("transactions", "sight"),
    [
        ((), Sight.ABSENT),
        ((paid(400, "BPABCDEFGHIJKLMNOP-02"),), Sight.ABSENT),
        ((paid(400),), Sight.SEEN),
        ((paid(399),), Sight.OTHER),
        ((paid(400), paid(400)), Sight.MANY),
        ((paid(400), paid(1)), Sight.MANY),
    ],
)
def test_a_payment_is_known_by_its_id_and_its_cents(transactions: tuple[AlmaTransaction, ...], sight: Sight) -> None:
    fee = a_fee("F1", transactions=transactions)
    assert look(POSTING, Saying(fee, [])).sight is sight
    assert look(POSTING, Saying(HIDDEN, [a_fee("F2"), fee])).sight is sight


@pytest.mark.parametrize(
    ("said", "sight"),
    [
        (Saying(a_fee("F2", transactions=(paid(400),)), []), Sight.BLIND),
        (Saying(Busy("no connection"), [a_fee("F1")]), Sight.BLIND),
        (Saying(HIDDEN, []), Sight.BLIND),
        (Saying(HIDDEN, Busy("no connection")), Sight.BLIND),
        (Saying(HIDDEN, Refused("401651", code="401651")), Sight.REFUSED),
        (Saying(Refused("401665", code="401665"), []), Sight.REFUSED),
    ],
)
def test_what_proves_nothing_shows_no_fee(said: Saying, sight: Sight) -> None:
    view = look(POSTING, said)
    assert (view.sight, view.fee) == (sight, None)
    assert view.text


@pytest.mark.parametrize(
    "said", [Saying(Refused("key", scope="system"), []), Saying(HIDDEN, Refused("key", scope="system"))]
)
def test_a_refused_key_is_not_a_look(said: Saying) -> None:
    with pytest.raises(Refused):
        look(POSTING, said)


@pytest.mark.parametrize(
    ("fee", "closes"),
    [
        (a_fee(), True),
        (a_fee(balance=600, transactions=(paid(400),)), True),
        (a_fee(balance=1000, transactions=(paid(400),)), False),
        (a_fee(balance=600), False),
        (a_fee(balance=0, transactions=(AlmaTransaction("EXPORTED_AND_PAID", 1000, ""),)), True),
        (a_fee(balance=600, transactions=(AlmaTransaction("EXPORTED", 1000, ""), paid(400))), True),
        (a_fee(balance=1000, transactions=(AlmaTransaction("EXPORTED", 1000, ""), paid(400))), False),
    ],
)
def test_a_fee_is_believed_only_when_its_own_figures_agree(fee: AlmaFee, *, closes: bool) -> None:
    assert sums_close(fee) is closes


def test_times_and_numbers_of_a_sight_are_told() -> None:
    one = AlmaTransaction("PAYMENT", 400, X, "2026-03-02T02:30:00Z", "t7")
    assert judge(POSTING, a_fee("F1", transactions=(one,))).text == (
        "on the fee since 2026-03-02T02:30:00Z, transaction t7"
    )


def test_a_good_answer_or_a_refusal_ends_a_silence() -> None:
    silent = Metered(Saying(Busy("no connection"), [a_fee("F1")]), 100)
    for _ in range(9):
        look(POSTING, silent)
    silent.list_fees("P1", "02", "CLOSED")
    look(POSTING, silent)
    assert silent.tired() == ""
    for _ in range(9):
        look(POSTING, silent)
    assert "no usable answer" in silent.tired()
