"""A table is what its noun declares: every column, of its type, without nulls, or it is no such table."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from pipeline import tables
from pipeline.money import Tally
from pipeline.tables import FLAG, TEXT, WHOLE, Column, Table, WrongTableError, checked, tally

NOUN = Table(
    "nouns",
    (
        Column("name", TEXT, "its name", may_be_empty=False),
        Column("note", TEXT, "anything"),
        Column("amount_cents", WHOLE, "its worth"),
        Column("done", FLAG, "whether it is done"),
    ),
)
ALL = [one for one in vars(tables).values() if isinstance(one, Table)]


def good() -> pd.DataFrame:
    return NOUN.frame({"name": ["a", "b"], "amount_cents": [5, -7]})


def test_a_frame_of_the_noun_passes_as_it_is() -> None:
    frame = good()
    assert checked(frame, NOUN, "here") is frame


def test_columns_more_and_another_order_are_allowed() -> None:
    frame = good().assign(more=1)[["more", "done", "amount_cents", "note", "name"]]
    assert checked(frame, NOUN, "here") is frame


Spoil = Callable[[pd.DataFrame], pd.DataFrame]
FAULTS: list[tuple[str, Spoil, str]] = [
    ("no column", lambda frame: frame.drop(columns="note"), "no column note"),
    ("cents as float", lambda frame: frame.astype({"amount_cents": "float64"}), "amount_cents is float64, not int64"),
    ("cents as text", lambda frame: frame.astype({"amount_cents": "str"}), "amount_cents is str, not int64"),
    ("ids as numbers", lambda frame: frame.assign(name=[1, 2]), "name is int64, not str"),
    ("ids as objects", lambda frame: frame.astype({"name": "object"}), "name is object, not str"),
    ("a null", lambda frame: frame.assign(note=pd.Series(["x", None], dtype="str")), "note has nulls"),
    ("an empty id", lambda frame: frame.assign(name=pd.Series(["a", ""], dtype="str")), "name has empty cells"),
    ("a flag as number", lambda frame: frame.assign(done=[0, 1]), "done is int64, not bool"),
]


@pytest.mark.parametrize(("spoil", "told"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_a_frame_that_is_no_such_table_is_refused(spoil: Spoil, told: str) -> None:
    with pytest.raises(WrongTableError) as error:
        checked(spoil(good()), NOUN, "stage")
    assert str(error.value) == f"stage: not a table of nouns: {told}"


def test_everything_that_is_wrong_is_named_at_once() -> None:
    frame = good().drop(columns="note").astype({"amount_cents": "float64"})
    with pytest.raises(WrongTableError, match="no column note; amount_cents is float64, not int64"):
        checked(frame, NOUN, "stage")


def test_a_column_that_is_not_given_is_blank_zero_or_false() -> None:
    row = good().iloc[0]
    assert (row["note"], row["amount_cents"], row["done"]) == ("", 5, False)


def test_a_noun_with_more_columns_leaves_the_first_as_it_is() -> None:
    wider = NOUN.plus("wider", Column("more", TEXT, "more"))
    assert wider.names == (*NOUN.names, "more")
    assert "more" not in NOUN.names


def test_rows_and_cents_are_counted() -> None:
    assert tally(good()) == Tally(2, -2)
    assert tally(NOUN.empty()) == Tally(0, 0)


@pytest.mark.parametrize("table", ALL, ids=[table.name for table in ALL])
def test_every_noun_is_declared_well_and_has_an_empty_table(table: Table) -> None:
    assert len(set(table.names)) == len(table.names)
    assert {column.dtype for column in table.columns} <= {TEXT, WHOLE, FLAG}
    assert all(len(column.meaning) > 5 for column in table.columns)
    assert len(checked(table.empty(), table, "empty")) == 0


def test_an_amount_is_whole_cents_in_every_noun() -> None:
    amounts = [column for table in ALL for column in table.columns if column.name.endswith("_cents")]
    assert amounts
    assert {column.dtype for column in amounts} == {WHOLE}
