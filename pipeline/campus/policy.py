"""What a campus decides: who owes where, what waits, what things are called, which term, and when to ask a person."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from pipeline import money
from pipeline.campus.values import LIVE, Amount, ItemType, Name, Pattern, Picture, Settings, TermCode, Whole

HELD, EXCLUDED = "held", "excluded"
"""Where a route may lead instead of to a system; no system may be called so."""


class Route(Settings):
    """Which fee goes where: the first route that fits decides, so the last one is best without conditions."""

    to: Name = Field(description="the system; or held, or excluded", examples=["peoplesoft"])
    id_type: str = Field("", description="identifier type it must be; any if it is not said", examples=["02"])
    id_shape: Picture = Field(
        "", description="what the whole id must look like: 9 a digit, A a letter, else itself", examples=["999999999"]
    )
    user_group: tuple[str, ...] = Field(
        (), description='user groups it must be of; "" is whoever has none', examples=[["STUDENT"]]
    )
    fee_type: tuple[str, ...] = Field((), description="fee types it must be of", examples=[["OVERDUEFINE"]])
    owner: tuple[str, ...] = Field((), description="owning libraries it must be of", examples=[["LAW"]])
    source: tuple[Name, ...] = Field((), description="sources it must come from", examples=[["alma"]])
    min_amount: Amount = Field("", description="amount it must reach", examples=["5.00"])
    max_amount: Amount = Field("", description="amount it must not exceed", examples=["500.00"])
    min_age_days: Whole = Field(0, ge=0, description="days it must be old")
    max_age_days: Whole | None = Field(None, ge=0, description="days it must not be older than", examples=[365])

    @model_validator(mode="after")
    def possible(self) -> Route:
        """A route from 500.00 up to 5.00 would take nobody, and nobody would see why."""
        if self.min_amount and self.max_amount and money.cents(self.min_amount) > money.cents(self.max_amount):
            message = "max_amount: is below min_amount, so it takes nobody"
            raise ValueError(message)
        if self.max_age_days is not None and self.min_age_days > self.max_age_days:
            message = "max_age_days: is below min_age_days, so it takes nobody"
            raise ValueError(message)
        return self


class Wait(Settings):
    """What is not sent yet, though it is owed; it comes back every night."""

    min_amount: Amount = Field("", description="less than this waits", examples=["5.00"])
    min_age_days: Whole = Field(0, ge=0, description="a fee younger than this waits")
    blackout: tuple[tuple[date, date], ...] = Field(
        (),
        description="first and last day of every time in which nothing is sent",
        examples=[[[date(2026, 12, 20), date(2027, 1, 3)]]],
    )
    systems: tuple[Name, ...] = Field((), description="only for these systems; all if it is not said")

    @model_validator(mode="after")
    def forward(self) -> Wait:
        """A time that ends before it begins would never hold anything back."""
        if any(first > last for first, last in self.blackout):
            message = "blackout: ends before it begins"
            raise ValueError(message)
        return self


class Waiting(Settings):
    """What waits, separately for what raises a debt and what lowers it."""

    debits: Wait = Field(default_factory=Wait, description="charges")
    credits: Wait = Field(default_factory=Wait, description="credits and reversals")


class Codes(Settings):
    """What one system calls this fee type."""

    item_type: ItemType = Field(
        "", description="PeopleSoft item type", examples=["300000006919"], json_schema_extra=LIVE
    )
    credit_item_type: ItemType = Field(
        "", description="PeopleSoft item type of a credit for it", examples=["820000206129"]
    )
    account_type: str = Field("", max_length=3, description="PeopleSoft account type", examples=["SFS"])
    item_code: str = Field("", max_length=12, description="CASHNet item code", examples=["LIB-OVERDUE"])
    fund: str = Field("", max_length=30, description="fund note, told on run sheet and reports", examples=["GF001"])


class CodeRule(Codes):
    """Codes for certain owners, fee types or days: the first that fits; what it leaves out is the fee type's own."""

    system: Name = Field(description="in this system", examples=["peoplesoft"])
    fee_type: tuple[str, ...] = Field((), description="fee types it is for; all if it is not said")
    owner: tuple[str, ...] = Field((), description="owning libraries it is for; all if it is not said")
    starting: date | None = Field(None, description="for fees sent on or after this day", examples=[date(2026, 7, 1)])
    until: date | None = Field(None, description="for fees sent on or before this day", examples=[date(2027, 6, 30)])

    @model_validator(mode="after")
    def forward(self) -> CodeRule:
        """A rule that ends before it begins would never count."""
        if self.starting and self.until and self.starting > self.until:
            message = "until: lies before starting"
            raise ValueError(message)
        return self


class FeeType(Settings):
    """One of Alma's fee types: our words for it, and its code in every system it may go to."""

    label: str = Field(min_length=1, max_length=30, description="our words for it", examples=["Overdue fine"])
    labels: tuple[str, ...] = Field(
        (), description="what reports call it, in any language", examples=[["Overdue fine", "Mahngebühr"]]
    )
    codes: dict[Name, Codes] = Field(min_length=1, description="its code, per system", examples=["peoplesoft"])


class Terms(Settings):
    """Which term a fee belongs to: a table, never a formula."""

    by: Literal["fee_date", "sent_date"] = Field("fee_date", description="the day that picks the term")
    starts: tuple[tuple[TermCode, date], ...] = Field(
        min_length=1,
        description="code and first day of each term, in order",
        examples=[[["2262", date(2026, 1, 20)], ["2265", date(2026, 5, 26)], ["2267", date(2026, 8, 16)]]],
    )
    until: date = Field(description="last day of the last term", examples=[date(2026, 12, 31)])
    warn_months: Whole = Field(3, ge=0, le=24, description="warn so many months before the table ends")

    @model_validator(mode="after")
    def rising(self) -> Terms:
        """Terms in the wrong order would bill a fee to the wrong term."""
        days = [first for _, first in self.starts]
        if sorted(set(days)) != days:
            message = "starts: the first days must rise"
            raise ValueError(message)
        if days[-1] > self.until:
            message = "until: lies before the last term begins"
            raise ValueError(message)
        return self


Fall = Literal["withdraw", "hold"]


class Falls(Settings):
    """What to do when a fee has fallen or is gone, by what Alma says of it: withdraw the debt, or hold and ask."""

    waived: Fall = Field("hold", description="staff waived it", examples=["withdraw"])
    credited: Fall = Field("hold", description="a credit was given", examples=["withdraw"])
    paid_at_desk: Fall = Field("hold", description="it was paid in Alma by another hand", examples=["withdraw"])
    paid_by_us: Fall = Field("hold", description="a payment of ours that the ledger does not know")
    looks: Whole = Field(200, ge=0, description="fees looked at in Alma in one night, at most")


Brake = Literal["count", "sum", "held_share", "largest", "new_type", "new_shape", "first_nights"]


class Mute(Settings):
    """A brake that is off for a while."""

    brake: Brake = Field(description="which one", examples=["new_type"])
    until: date = Field(description="last day it is off", examples=[date(2026, 9, 30)])
    reason: str = Field(min_length=1, description="why it is off", examples=["new fee types this autumn"])


class Brakes(Settings):
    """When a night is so unlike those before that the output waits for a yes."""

    times: Whole = Field(3, ge=2, description="so many times the usual count or sum")
    least: Amount = Field("100.00", description="a smaller sum never brakes")
    held_percent: Whole = Field(20, ge=1, le=100, description="more of the night held than this")
    largest: Amount = Field("5000.00", description="one line above this")
    nights: Whole = Field(60, ge=20, description="compared with so many nights, and the same week of last year")
    mutes: tuple[Mute, ...] = Field((), description="brakes that are off for a while")


class People(Settings):
    """A nightly file of who is who: with it an unknown id, or a name that does not agree, is held.

    Where its layout has names, those of patrons are kept: else there would be none to compare with.
    """

    connection: Name = Field(description="which connection it lies at", examples=["exchange"])
    folder: str = Field(".", description="the folder there", examples=["people"], json_schema_extra=LIVE)
    pattern: Pattern = Field("*.csv", description="which file names are ours; the newest counts")
    processed: str = Field("", description="folder that read files are moved to; empty leaves them", examples=["done"])
    layout: str = Field("people/default", description="its layout; `bursar layouts` lists them")
    quiet_s: Whole = Field(60, ge=0, description="seconds a file must stay unchanged before it is read")
    max_age_days: Whole = Field(7, ge=1, description="an older file is no proof: what needs it is held")
    active: tuple[str, ...] = Field(
        (), description="statuses that may be billed; any if it is not said", examples=[["active"]]
    )
    systems: tuple[Name, ...] = Field((), description="systems whose debtors must stand in it; all if it is not said")
