"""What a campus can say about itself: every key, in plain words, with an example that `bursar init` writes out.

A key marked LIVE stands ready for use in the file that `bursar init` writes; other keys that need not be said stand
there with a mark before them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.campus.back import ImportFiles, Mail, Return, Unnamed
from pipeline.campus.policy import Brakes, CodeRule, Falls, FeeType, People, Route, Terms, Waiting
from pipeline.campus.sources import AnySource
from pipeline.campus.values import LIVE, Currency, Name, SecretName, Settings, TimeZone, Url, Whole


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


class Alma(Settings):
    """Alma's API.  Without this table payments are read and matched, but not posted."""

    url: Url = Field(description="the API host of your region", examples=["https://api-na.hosted.exlibrisgroup.com"])
    secret: SecretName = Field("alma_key", min_length=1, description="name of the secret that holds the API key")
    rate: float = Field(5, gt=0, le=25, description="requests per second, at most")
    reserve: Whole = Field(5000, ge=0, description="stop when fewer requests are left for the day")
    settle_s: Whole = Field(21600, ge=0, description="seconds after which an absent payment counts as doubtful")
    daily: Whole = Field(0, ge=0, description="our own requests in one day, at most; 0 no limit", examples=[50000])
    fee_report: bool = Field(
        default=False, description="the key may read the fee-transactions report, so that payments are verified by it"
    )


class Due(Settings):
    """When a charge is due, counted from the day it is sent; what is said adds up."""

    months_after: Whole = Field(0, ge=0, le=12, description="so many months later", examples=[1])
    day_of_month: Whole = Field(0, ge=0, le=28, description="on this day of the month; 0 the same day", examples=[25])
    days_after: Whole = Field(0, ge=0, le=366, description="and so many days later", examples=[30])
    next_month_after: Whole = Field(
        0, ge=0, le=28, description="sent after this day of the month: one month more; 0 never", examples=[25]
    )
    weekend: Literal["stay", "monday", "friday"] = Field("stay", description="where a due date on a weekend goes")


class IdRule(Settings):
    """How the bursar writes a patron's id, where that differs from Alma; what does not fit is held."""

    strip_zeros: bool = Field(default=False, description="leading zeros are taken off")
    last: Whole = Field(
        0, ge=0, le=64, description="only the last so many characters are kept, if the others are zeros; 0 all"
    )
    pad_to: Whole = Field(0, ge=0, le=64, description="filled with leading zeros to this width; 0 not")


class RunSheet(Settings):
    """What the bursar's office is told about loading a file, besides what stands in it."""

    group_type: str = Field("", max_length=1, description="PeopleSoft group type", examples=["L"])
    business_unit: str = Field("", max_length=5, description="PeopleSoft business unit", examples=["SJ000"])
    layout_id: str = Field("", max_length=8, description="name of the layout there", examples=["LIBCHRG"])


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
    reversals: bool = Field(
        default=False, description="whole charges may be reversed; else what lowers a debt goes out as a credit"
    )
    ids: IdRule | None = Field(None, description="how the bursar writes patron ids; as Alma does if not said")
    run_sheet: RunSheet = Field(default_factory=RunSheet, description="what the run sheet says about its files")
    brakes: Brakes = Field(default_factory=Brakes, description="when an output waits for a yes")
    due: Due | None = Field(None, description="due-date rule; without it the due date stays blank")
    returns: tuple[Return, ...] = Field((), description="payment files that come back", json_schema_extra=LIVE)
    unnamed: Unnamed = Field(default_factory=Unnamed, description="how money that names no fee is divided")


class Campus(Settings):
    """One campus."""

    name: Name = Field(description="part of every key in the ledger: never change it", examples=["mycampus"])
    title: str = Field(min_length=1, description="the name on reports", examples=["My University Library"])
    environment: Literal["train", "production"] = Field(description="train or production", examples=["train"])
    currency: Currency = Field(description="currency of every amount", examples=["USD"])
    time_zone: TimeZone = Field(
        description="where the campus is; decides which day it is", examples=["America/Los_Angeles"]
    )
    payments_to: Literal["api", "import_file", "record"] = Field(
        description="what becomes of a payment in Alma: api pays the fee through the API, import_file hands it to "
        "Alma's import from the bursar, record keeps it here only (the export has closed the fee)",
        examples=["api"],
    )
    mode: Literal["live", "shadow"] = Field(
        "live", description="shadow: real nights with a ledger of their own that let nothing out"
    )
    first_nights: Literal["ask", "send"] = Field(
        "ask", description="while there are under 20 nights to compare with: ask waits for a yes, send does not"
    )
    title_key: SecretName = Field(
        "",
        description="name of the secret that turns titles into marks, so that a credit finds its charge",
        examples=["title_key"],
    )
    folders: Folders = Field(default_factory=Folders, description="where the campus keeps its own things")
    connections: dict[Name, Connection] = Field(
        description="folders and servers, by a name of your choice", examples=["exchange", "bursar_sftp"]
    )
    sources: dict[Name, AnySource] = Field(
        min_length=1,
        description="where fees come from, by a name of your choice",
        examples=["alma", "report", "analytics"],
    )
    alma: Alma | None = Field(None, description="Alma's API; needed to post payments")
    imports: ImportFiles | None = Field(None, description="Alma's import; needed for payments_to = import_file")
    mail: Mail | None = Field(None, description="mail to staff; without it reports lie in their folder")
    two_people: bool = Field(
        default=False, description="what `bursar resolve` is told takes a second person, of another account"
    )
    routes: tuple[Route, ...] = Field(min_length=1, description="which fee goes where: the first that fits")
    waiting: Waiting = Field(default_factory=Waiting, description="what is not sent yet")
    falls: Falls = Field(default_factory=Falls, description="what to do when a fee has fallen or is gone")
    people: People | None = Field(None, description="a nightly file of who is who; none needed")
    systems: dict[Name, System] = Field(
        min_length=1, description="the debtor systems, by name", examples=["peoplesoft"]
    )
    fee_types: dict[str, FeeType] = Field(
        min_length=1,
        description="every Alma fee type you bill, by its code in Alma; one of another code is held",
        examples=["OVERDUEFINE"],
    )
    codes: tuple[CodeRule, ...] = Field(
        (), description="codes for certain owners, fee types or days: the first that fits"
    )
    terms: Terms = Field(description="which term a fee belongs to")
