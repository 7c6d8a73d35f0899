"""What all tables of the ledger are made of: its numbers, its texts, and the keys by which rows name each other."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, MetaData, Text

from pipeline import tables

SCOPE = ("ledger",)
FEE = (*SCOPE, "fee_id", "source")
FEE_VERSION = (*FEE, "version")
MOVEMENT = (*FEE, "movement")
SHARE = (*SCOPE, "payment_key", "number")
PAYMENT = (*SCOPE, "payment_key")

METADATA = MetaData()


def text(*names: str) -> list[Column[str]]:
    """Make columns of text that is never null."""
    return [Column(name, Text, nullable=False) for name in names]


def whole(*names: str) -> list[Column[int]]:
    """Make columns of whole numbers, cents among them."""
    return [Column(name, BigInteger, nullable=False) for name in names]


def flag(*names: str) -> list[Column[bool]]:
    """Make columns of yes or no."""
    return [Column(name, Boolean, nullable=False) for name in names]


def declared(columns: tuple[tables.Column, ...]) -> list[Column[str] | Column[int]]:
    """Make the columns that a noun declares."""
    kinds = {tables.TEXT: Text, tables.WHOLE: BigInteger}
    return [Column(column.name, kinds[column.dtype], nullable=False) for column in columns]
