"""Whatever the routes and the fees: not a cent is lost, one debt has one debtor, and a dead route is really dead."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import money
from pipeline.campus.policy import Route, Wait, Waiting
from pipeline.campus.reach import takes_all
from pipeline.stages.fits import fits
from pipeline.stages.route import route
from pipeline.stages.wait import last_day
from pipeline.tables import tally
from tests.samples import sample_campus
from tests.unit.policy_kit import known_people, movements

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

TODAY = date(2026, 1, 6)
CAMPUS = sample_campus()
NOBODY = known_people()

AMOUNTS = st.sampled_from(["", "0.01", "5.00", "5.01", "12.50"])
DAYS = st.integers(0, 3)
SOME = {
    "user_group": ("STUDENT", "STAFF"),
    "fee_type": ("OVERDUEFINE", "OTHER"),
    "owner": ("LAW", "MAIN"),
    "source": ("alma", "other"),
}


def several(values: tuple[str, ...]) -> SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


@st.composite
def routes(draw: st.DrawFn) -> Route:
    said: dict[str, Any] = {name: draw(several(values)) for name, values in SOME.items()}
    least, most = sorted([draw(AMOUNTS), draw(AMOUNTS)], key=lambda text: money.cents(text or "0"))
    young, old = sorted([draw(DAYS), draw(DAYS)])
    return Route(
        to=draw(st.sampled_from(["peoplesoft", "cashnet", "held", "excluded"])),
        id_type=draw(st.sampled_from(["", "01", "02"])),
        id_shape=draw(st.sampled_from(["", "999", "A99"])),
        min_amount=least if most else "",
        max_amount=most if draw(st.booleans()) else "",
        min_age_days=young,
        max_age_days=old if draw(st.booleans()) else None,
        **said,
    )


FEE = st.fixed_dictionaries(
    {
        **{name: st.sampled_from([*values, ""]) for name, values in SOME.items() if name != "source"},
        "source": st.sampled_from(SOME["source"]),
        "patron_id_type": st.sampled_from(["01", "02"]),
        "patron_id": st.sampled_from(["123", "A12", "1234", ""]),
        "amount_cents": st.sampled_from([1, 499, 500, 501, 1250, 1251, -500]),
        "fee_date": DAYS.map(lambda days: (TODAY - timedelta(days=days)).isoformat()),
        "system": st.sampled_from(["", "", "peoplesoft", "cashnet"]),
    }
)
FEES: SearchStrategy[list[dict[str, Any]]] = st.lists(FEE, min_size=5, max_size=12)


@settings(max_examples=60)
@given(routes(), routes(), FEES)
def test_what_a_route_is_said_to_take_it_does_take(first: Route, second: Route, fees: list[dict[str, Any]]) -> None:
    if takes_all(first, second):
        rows = movements(*fees)
        assert not (fits(second, rows, TODAY) & ~fits(first, rows, TODAY)).any()


@settings(max_examples=40)
@given(st.lists(routes(), min_size=1, max_size=4), FEES, AMOUNTS, DAYS)
def test_every_fee_ends_once_and_a_debt_keeps_its_debtor(
    rules: list[Route], fees: list[dict[str, Any]], least: str, days: int
) -> None:
    waiting = Waiting(debits=Wait(min_amount=least, min_age_days=days))
    campus = replace(CAMPUS, campus=CAMPUS.campus.model_copy(update={"routes": tuple(rules), "waiting": waiting}))
    given_ = movements(*({**fee, "kind": "charge" if fee["amount_cents"] > 0 else "credit"} for fee in fees))
    outcome = route(given_, campus, TODAY, NOBODY)
    ended = [frame for _, frame in outcome.all_rows()]
    assert sorted(fee for frame in ended for fee in frame["fee_id"]) == sorted(given_["fee_id"])
    assert sum(tally(frame).cents for frame in ended) == tally(given_).cents
    assert (outcome.passed["system"] != "").all()
    before = dict(zip(given_["fee_id"], given_["system"], strict=True))
    for frame in ended:
        now = zip(frame["fee_id"], frame["system"], strict=True)
        assert all(before[fee] in ("", system) for fee, system in now)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), max_size=5), st.integers(0, 12))
def test_the_day_after_a_blackout_is_the_first_day_that_is_free(pairs: list[tuple[int, int]], day: int) -> None:
    times = [(TODAY + timedelta(days=first), TODAY + timedelta(days=first + length)) for first, length in pairs]
    blocked = {first + length_ for first, length in pairs for length_ in range(length + 1)}
    end = last_day(times, TODAY + timedelta(days=day))
    if day not in blocked:
        assert end is None
        return
    free = next(later for later in range(day, 99) if later not in blocked)
    assert end == TODAY + timedelta(days=free - 1)
