"""What a layout can say of a file of money that comes back: its rules, its references, its records."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

SLOT = "{K}"
"""In the name of a column: the number of the slot."""

Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f\"]+$", max_length=60)]
PaymentKind = Literal["sale", "refund", "void", "reversal", "chargeback", "fee", "writeoff", "adjustment", "other"]

NO_CENTS = frozenset({"CLP", "HUF", "ISK", "JPY", "KRW", "TWD", "VND"})
"""Currencies without cents: files in cents do not say clearly what an amount in them is, so they are not read."""


class Closed(BaseModel):
    """Closed and frozen: a key that is not described is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class KindRule(Closed):
    """One row of the list that says what a line of money is: the first that fits counts.

    ``when`` names columns and the choices that fit (or patterns, of a column shown as code); ``amount`` the sign that
    fits.  ``money`` is the direction: ``in`` counts as written and may not be negative, ``back`` counts as negative
    however it is written, ``none`` counts 0.  ``needs`` names columns without which such a row cannot be read.
    ``undoes``: money that had gone back is there again, so that a person is asked.
    """

    when: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    amount: Literal["positive", "zero", "negative"] | None = None
    kind: PaymentKind
    money: Literal["in", "back", "none"]
    needs: tuple[str, ...] = ()
    undoes: bool = False


class References(Closed):
    """Where a returned line names what it pays, if no single column does.

    By slots: pairs of columns ``type`` and ``value`` (each name with ``{K}``), of which those count whose type is one
    of ``types``; with ``whole``, such a type may also be the heading of a column that holds for the whole transaction.
    By a list: the column ``shares`` holds ``fee:cents|fee:cents`` or one fee, and where it holds neither the column
    ``otherwise`` says it.
    """

    types: tuple[Name, ...] = ()
    type: str = ""
    value: str = ""
    whole: bool = False
    shares: str = ""
    otherwise: str = ""

    def slot(self, number: int) -> tuple[str, str]:
        """Give the names of the columns of a slot: of its type, and of its value."""
        return self.type.replace(SLOT, str(number)), self.value.replace(SLOT, str(number))


class Incoming(Closed):
    """What only a file that comes back has; how it proves itself and repeats has no default.

    ``repeats``: whether later files say again what earlier ones said.  ``amount_is``: what the amount stands for.
    ``covers``: the period of one file.  ``complete``: what proves that it is whole: a trailer (or the last record),
    the archive that a workbook is, or that it stays unchanged at its place and ends with a whole line.

    Where they are said: ``currency``: money in any other cannot be read.  ``unknown``: a column of codes; a row whose
    code no rule names is ``other``, and the code is told.  ``items``: the column that says how many items a transaction
    has.  ``references``: where a line names what it pays.
    """

    repeats: Literal["none", "cumulative"]
    amount_is: Literal["payment", "paid_to_date"]
    covers: Literal["business_day", "first_to_last_row"]
    complete: Literal["trailer", "stable", "archive"]
    kinds: tuple[KindRule, ...] = Field(min_length=1)
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None
    unknown: str = ""
    items: str = ""
    references: References | None = None

    @field_validator("currency")
    @classmethod
    def _has_cents(cls, currency: str | None) -> str | None:
        if currency in NO_CENTS:
            message = "has no cents, so that its amounts are not clear"
            raise ValueError(message)
        return currency


class Records(Closed):
    """A file of records, each with its type in front (PayPal's reports): their version, and what their footers add up.

    ``versions`` are those whose columns the detail line names, in their order.  The others are columns of that line.
    """

    versions: tuple[str, ...] = Field(min_length=1)
    direction: str
    amount: str
    currency: str
    fee_direction: str
    fee_amount: str
    fee_currency: str

    def columns(self) -> tuple[str, ...]:
        """Name the columns that the footers add up, or by which they do."""
        return (self.direction, self.amount, self.currency, self.fee_direction, self.fee_amount, self.fee_currency)
