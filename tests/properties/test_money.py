"""Laws of money: writing and reading are each other's inverse, and any other text is refused."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.money import POINT, NotMoneyError, Tally, cents, cents_of_each, dollars, total

ALMA = 10**11 - 1  # nine digits and two places
BURSAR = 10**15 - 1  # thirteen digits and two places

near_money = st.text("0123456789.-+,eE_ \u0660\u0661\u0669\uff10\uff11\u22120", max_size=14)
"""Text that is an amount, or nearly one: Arabic and wide digits, exponents, signs, blanks."""


def is_amount(text: str) -> bool:
    """Whether Alma could have written it, told sign by sign and without the pattern that the reader uses."""
    units, point, places = text.removeprefix("-").partition(".")
    plain = all(sign in "0123456789" for sign in units + places)
    return plain and 1 <= len(units) <= 9 and (1 <= len(places) <= 2 if point else not places)


@given(st.integers(-ALMA, ALMA))
def test_what_is_written_is_read_back(amount: int) -> None:
    assert cents(dollars(amount)) == amount


@given(st.integers(-BURSAR, BURSAR))
def test_what_is_written_for_a_bursar_is_read_back(amount: int) -> None:
    assert POINT.fullmatch(dollars(amount)) is not None
    assert cents(dollars(amount), POINT) == amount


@given(st.one_of(near_money, st.text(max_size=14)))
@example("-0.5")
@example("1e3")
@example("\u0661\u0662")
def test_every_text_is_an_amount_exactly_or_is_refused(text: str) -> None:
    try:
        read: int | None = cents(text)
    except NotMoneyError:
        read = None
    assert read == (int(Decimal(text) * 100) if is_amount(text) else None)
    assert cents_of_each([text]) == {text: read}


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(-BURSAR, BURSAR))))
def test_a_total_does_not_depend_on_the_order(pairs: list[tuple[int, int]]) -> None:
    tallies = [Tally(*pair) for pair in pairs]
    assert total(tallies) == total(reversed(tallies)) == Tally(sum(n for n, _ in pairs), sum(c for _, c in pairs))
    assert total(tallies) - total(tallies) == Tally()
