"""Text becomes whole cents or is refused; nothing is rounded, guessed or cut."""

from __future__ import annotations

import pytest

from pipeline.money import PLAIN, POINT, SHOWN, NotMoneyError, Tally, cents, cents_of_each, dollars, total

AMOUNTS = [
    ("300", 30000),
    ("14", 1400),
    ("123.45", 12345),
    ("0.82", 82),
    ("0.5", 50),
    ("-3", -300),
    ("-3.25", -325),
    ("-100", -10000),
    ("0", 0),
    ("-0", 0),
    ("007", 700),
    ("999999999.99", 99999999999),
]
"""Amounts as Alma writes them (seen in published exports), and the edges of what is allowed."""


@pytest.mark.parametrize(("text", "expected"), AMOUNTS)
def test_an_amount_is_read_to_the_cent(text: str, expected: int) -> None:
    assert cents(text) == expected


NO_AMOUNTS = [
    ("", "nothing"),
    (" ", "a blank"),
    (" 3", "a blank before"),
    ("3 ", "a blank behind"),
    ("3\n", "a line end"),
    ("1 000", "a blank inside"),
    ("1\u00a0000", "a hard blank inside"),
    ("1,000", "a thousands separator"),
    ("3,50", "a decimal comma"),
    ("1.005", "a third place"),
    (".5", "no units"),
    ("5.", "no places"),
    ("+5", "a plus sign"),
    ("--5", "two signs"),
    ("5-", "a sign behind"),
    ("\u22125", "another minus sign"),
    ("(5.00)", "a bookkeeper's minus"),
    ("$5", "a currency sign"),
    ("5 USD", "a currency"),
    ("1e3", "an exponent"),
    ("1E-2", "a small exponent"),
    ("0x10", "a hexadecimal number"),
    ("1_000", "an underscore, which Python reads"),
    ("\u0663\u0664", "Arabic digits, which Python reads"),
    ("\uff13", "a wide digit, which Python reads"),
    ("\u00b2", "a raised digit"),
    ("nan", "not a number"),
    ("inf", "infinity"),
    ("null", "the word null"),
    ("1000000000", "ten digits"),
]


@pytest.mark.parametrize("text", [text for text, _ in NO_AMOUNTS], ids=[what for _, what in NO_AMOUNTS])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(NotMoneyError, match="is not an amount in whole cents"):
        cents(text)


def test_a_long_text_is_not_repeated_whole() -> None:
    with pytest.raises(NotMoneyError) as error:
        cents("4111 1111 1111 1111 and a name and an address")
    assert str(error.value) == f"{'4111 1111 1111 1111 and a name'[:SHOWN]!r} is not an amount in whole cents"


@pytest.mark.parametrize(("text", "expected"), [("0000000000012.50", 1250), ("-12.50", -1250), ("0.00", 0)])
def test_a_bursar_s_amount_has_two_places_and_may_begin_with_zeros(text: str, expected: int) -> None:
    assert cents(text, POINT) == expected


@pytest.mark.parametrize("text", ["12", "12.5", "12.505", "00000000000012.50"])
def test_a_bursar_s_amount_without_two_places_or_too_wide_is_refused(text: str) -> None:
    with pytest.raises(NotMoneyError):
        cents(text, POINT)


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (-325, "-3.25"), (99999999999, "999999999.99")]
)
def test_cents_are_written_with_two_places(amount: int, text: str) -> None:
    assert dollars(amount) == text


def test_a_way_through_floats_would_lose_a_cent() -> None:
    # Why there are no floats here: this is what int(float(text) * 100) makes of three prices.
    assert [cents(text) - int(float(text) * 100) for text in ("0.29", "19.99", "1.15")] == [1, 1, 1]


def test_every_distinct_text_is_read_once() -> None:
    assert cents_of_each(["5", "5", "x", "0.5"]) == {"5": 500, "x": None, "0.5": 50}
    assert cents_of_each([]) == {}


def test_the_two_notations_are_not_the_same() -> None:
    assert PLAIN.fullmatch("5") is not None
    assert POINT.fullmatch("5") is None


def test_a_tally_adds_up_rows_and_cents_apart() -> None:
    assert total([Tally(2, 500), Tally(1, -700)]) == Tally(3, -200)
    assert total([]) == Tally(0, 0)
    assert Tally(2, 500) - Tally(3, 200) == Tally(-1, 300)


@pytest.mark.parametrize(
    ("tally", "text"),
    [(Tally(1, 5), "1 row, 0.05"), (Tally(0, 0), "0 rows, 0.00"), (Tally(3, -1250), "3 rows, -12.50")],
)
def test_a_tally_is_told_in_words(tally: Tally, text: str) -> None:
    assert str(tally) == text
