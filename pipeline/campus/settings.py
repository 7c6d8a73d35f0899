"""What a campus can say about itself: every key, in plain words, with an example that `bursar init` writes out.

A key marked LIVE stands ready for use in the file that `bursar init` writes; other keys that need not be said stand
there with a mark before them.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, model_validator

LIVE: dict[str, Any] = {"live": True}


def _like(pattern: str, says: str) -> AfterValidator:
    """A text must look so; ``says`` is told to people when it does not."""
    shape = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if shape.fullmatch(text) is None:
            raise ValueError(says)
        return text

    return AfterValidator(check)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = "is not a time zone; use a name such as America/Los_Angeles"
        raise ValueError(message) from None
    return name


Whole = Annotated[int, Strict()]
Name = Annotated[
    str, _like(r"[a-z][a-z0-9_-]{0,30}", "must be a short name: a small letter, then small letters, digits, - or _")
]
SecretName = Annotated[
    str, _like(r"([a-z][a-z0-9_]{0,30})?", "must be a short name: a small letter, then small letters, digits or _")
]
Pattern = Annotated[str, _like(r"[^/\\]+", "must be a file name with * and ?, without a folder")]
Currency = Annotated[str, _like(r"[A-Z]{3}", "must be three capital letters, such as USD")]
ItemType = Annotated[str, _like(r"([0-9]{12})?", "must be twelve digits")]
TermCode = Annotated[str, _like(r"[A-Z0-9]{4}", "must be four digits or capital letters, such as 2262")]
Picture = Annotated[str, _like(r"[\x21-\x7e]*", "must be written without blanks: 9 for a digit, A for a letter")]
Url = Annotated[
    str,
    _like(
        r"(https://[A-Za-z0-9.-]+|http://127\.0\.0\.1)(:[0-9]+)?(/[A-Za-z0-9._/-]*)?",
        "must be https:// and a host, without a name, password or query (http:// only for 127.0.0.1)",
    ),
]


class Settings(BaseModel):
    """Closed and frozen: a key that is not described here is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Folders(Settings):
    """Where the campus keeps its own things."""

    state: str = Field("state", min_length=1, description="ledger, archive and runs; relative to this file")
    secrets: str = Field("secrets", min_length=1, description="one file per secret, readable by you only")


class FolderConnection(Settings):
    """A folder on this machine or a mounted share."""

    kind: Literal["folder"] = Field(description="folder or sftp", examples=["folder"])
    path: str = Field(min_length=1, description="the folder; relative to this file", examples=["exchange"])


class SftpConnection(Settings):
    """An SFTP server, known by its pinned host key."""

    kind: Literal["sftp"] = Field(description="folder or sftp", examples=["sftp"])
    host: str = Field(min_length=1, description="name or address of the server", examples=["sftp.bursar.example.edu"])
    port: Whole = Field(22, ge=1, le=65535, description="its port")
    user: str = Field(min_length=1, description="our account there", examples=["library"])
    host_key: tuple[str, ...] = Field(
        min_length=1,
        max_length=2,
        description="the server's public key as in known_hosts, without the name; two while it is being changed",
        examples=[["ssh-ed25519 AAAA..."]],
    )
    key_file: str = Field("", description="our private key; empty when a password is used", examples=["secrets/id"])
    secret: SecretName = Field("", description="name of the secret that holds our password", examples=["sftp_password"])


Connection = Annotated[FolderConnection | SftpConnection, Field(discriminator="kind")]


class Source(Settings):
    """A place where fees come from: an export that Alma delivers."""

    kind: Literal["alma_export"] = Field(description="what stands in the files", examples=["alma_export"])
    connection: Name = Field(description="which connection the files lie at", examples=["exchange"])
    folder: str = Field(".", description="the folder there", examples=["alma"], json_schema_extra=LIVE)
    pattern: Pattern = Field("*.xml", description="which file names are ours", json_schema_extra=LIVE)
    processed: str = Field("", description="folder that read files are moved to; empty leaves them", examples=["done"])
    quiet_s: Whole = Field(60, ge=0, description="seconds a file must stay unchanged before it is read")
    max_bytes: Whole = Field(4 * 2**30, ge=1, description="a larger file is refused")
    max_fees: Whole = Field(5_000_000, ge=1, description="a file with more fees is refused")
    keep: tuple[Literal["title", "comment", "patron_name"], ...] = Field(
        (), description="private columns to keep; none unless you use them", examples=[["title"]]
    )


class Alma(Settings):
    """Alma's API.  Without this table payments are read and matched, but not posted."""

    url: Url = Field(description="the API host of your region", examples=["https://api-na.hosted.exlibrisgroup.com"])
    secret: SecretName = Field("alma_key", min_length=1, description="name of the secret that holds the API key")
    rate: float = Field(5, gt=0, le=25, description="requests per second, at most")
    reserve: Whole = Field(5000, ge=0, description="stop when fewer requests are left for the day")
    settle_s: Whole = Field(21600, ge=0, description="seconds after which an absent payment counts as doubtful")


class Route(Settings):
    """Which patron goes where: the first route that fits decides, so the last one is best without conditions."""

    to: Name = Field(description="the system", examples=["peoplesoft"])
    id_type: str = Field("", description="identifier type it must be; any if it is not said", examples=["02"])
    id_shape: Picture = Field(
        "",
        description="what the whole id must look like: 9 a digit, A a letter, else itself",
        examples=["999999999"],
    )


class Codes(Settings):
    """What one system calls this fee type."""

    item_type: ItemType = Field(
        "", description="PeopleSoft item type", examples=["300000006919"], json_schema_extra=LIVE
    )
    account_type: str = Field("", max_length=3, description="PeopleSoft account type", examples=["SFS"])
    item_code: str = Field("", max_length=12, description="CASHNet item code", examples=["LIB-OVERDUE"])


class FeeType(Settings):
    """One of Alma's fee types: our words for it, and its code in every system it may go to."""

    label: str = Field(min_length=1, max_length=30, description="our words for it", examples=["Overdue fine"])
    codes: dict[Name, Codes] = Field(min_length=1, description="its code, per system", examples=["peoplesoft"])


class Terms(Settings):
    """Which term a fee belongs to, by the fee's date: a table, never a formula."""

    starts: tuple[tuple[TermCode, date], ...] = Field(
        min_length=1,
        description="code and first day of each term, in order",
        examples=[[["2262", date(2026, 1, 20)], ["2265", date(2026, 5, 26)], ["2267", date(2026, 8, 16)]]],
    )
    until: date = Field(description="last day of the last term", examples=[date(2026, 12, 31)])

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


class Due(Settings):
    """When a charge is due, counted from the day it is sent; the three add up."""

    months_after: Whole = Field(0, ge=0, le=12, description="so many months later", examples=[1])
    day_of_month: Whole = Field(0, ge=0, le=28, description="on this day of the month; 0 the same day", examples=[25])
    days_after: Whole = Field(0, ge=0, le=366, description="and so many days later", examples=[30])


class Return(Settings):
    """A file of payments that the system sends back."""

    layout: str = Field(description="its layout; `bursar layouts` lists them", examples=["peoplesoft/paid"])
    connection: Name = Field(description="which connection it lies at", examples=["exchange"])
    folder: str = Field(".", description="the folder there", examples=["from_bursar"], json_schema_extra=LIVE)
    pattern: Pattern = Field(description="which file names are ours", examples=["LIBRARY_PAID_*.csv"])
    processed: str = Field("", description="folder that read files are moved to; empty leaves them", examples=["done"])
    quiet_s: Whole = Field(60, ge=0, description="seconds a file must stay unchanged before it is read")
    items: tuple[str, ...] = Field(
        (), description="item codes that are the library's, * allowed; all if it is not said", examples=[["LIB-*"]]
    )


class System(Settings):
    """A debtor system: the form its files have, where they go, and what comes back."""

    layout: str = Field(
        description="layout of the files it takes; `bursar layouts` lists them", examples=["peoplesoft/default"]
    )
    connection: Name = Field(description="which connection they go to", examples=["exchange"])
    folder: str = Field(".", description="the folder there", examples=["to_bursar"], json_schema_extra=LIVE)
    constants: dict[Name, str] = Field(
        default_factory=dict,
        description="values the layout asks of the campus",
        examples=[{"origin_id": "00041"}],
        json_schema_extra=LIVE,
    )
    smaller_percent: Whole = Field(
        50, ge=0, le=100, description="a snapshot smaller than this share of the last one needs a person"
    )
    methods: dict[str, Literal["CREDIT_CARD", "ONLINE", "CASH"]] = Field(
        default_factory=dict,
        description="Alma's payment method by the tender a returned file names; ONLINE for any other",
        examples=[{"CC": "CREDIT_CARD"}],
    )
    due: Due | None = Field(None, description="due-date rule; without it the due date stays blank")
    returns: tuple[Return, ...] = Field((), description="payment files that come back", json_schema_extra=LIVE)


class Campus(Settings):
    """One campus."""

    name: Name = Field(description="part of every key in the ledger: never change it", examples=["mycampus"])
    title: str = Field(min_length=1, description="the name on reports", examples=["My University Library"])
    environment: Literal["train", "production"] = Field(description="train or production", examples=["train"])
    currency: Currency = Field(description="currency of every amount", examples=["USD"])
    time_zone: Annotated[str, AfterValidator(_zone)] = Field(
        description="where the campus is; decides which day it is", examples=["America/Los_Angeles"]
    )
    payments_to: Literal["api"] = Field(
        description="what becomes of a payment in Alma: api pays the fee through the API", examples=["api"]
    )
    folders: Folders = Field(default_factory=Folders, description="where the campus keeps its own things")
    connections: dict[Name, Connection] = Field(
        description="folders and servers, by a name of your choice", examples=["exchange", "bursar_sftp"]
    )
    sources: dict[Name, Source] = Field(
        min_length=1, description="where fees come from, by a name of your choice", examples=["alma"]
    )
    alma: Alma | None = Field(None, description="Alma's API; needed to post payments")
    routes: tuple[Route, ...] = Field(min_length=1, description="which patron goes where: the first that fits")
    systems: dict[Name, System] = Field(
        min_length=1, description="the debtor systems, by name", examples=["peoplesoft"]
    )
    fee_types: dict[str, FeeType] = Field(
        min_length=1,
        description="every Alma fee type you bill, by its code in Alma; one of another code is held",
        examples=["OVERDUEFINE"],
    )
    terms: Terms = Field(description="which term a fee belongs to")


def shape(picture: str) -> re.Pattern[str]:
    """Turn an id picture (9 a digit, A a letter, else itself) into a pattern that must match the whole id."""
    classes = {"9": "[0-9]", "A": "[A-Za-z]"}
    return re.compile("".join(classes.get(sign, re.escape(sign)) for sign in picture), re.ASCII)
