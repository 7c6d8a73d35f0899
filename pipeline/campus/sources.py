"""What a campus says about the places where fees come from: exports of Alma, and reports of Alma Analytics."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.campus.values import LIVE, OTHERWISE, DayForm, Headings, Hour, Name, Pattern, Settings, Whole

CUT_OFF = (25_000, 65_000, 65_535, 75_000, 1_048_575)
"""Rows after which reports are known to be cut without a word.

By the limits that Oracle states for analyses sent by an agent, exported by hand, and read at all; and by the rows that
a sheet of either workbook format has below its headings.  A library whose limit is another says row_limit.
"""

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Private = Literal["title", "comment", "patron_name"]


class Expected(Settings):
    """When something must have come; otherwise the operator is alarmed."""

    by: Hour = Field(description="hour of the day, at the campus", examples=["06:00"])
    days: tuple[Day, ...] = Field(
        ("mon", "tue", "wed", "thu", "fri", "sat", "sun"), min_length=1, description="on these days of the week"
    )


class Arrival(Settings):
    """Files that somebody leaves for us."""

    connection: Name = Field(description="which connection the files lie at", examples=["exchange"])
    folder: str = Field(".", description="the folder there", examples=["alma"], json_schema_extra=LIVE)
    pattern: Pattern = Field("*.xml", description="which file names are ours", json_schema_extra=LIVE)
    processed: str = Field("", description="folder that read files are moved to; empty leaves them", examples=["done"])
    quiet_s: Whole = Field(60, ge=0, description="seconds a file must stay unchanged before it is read")
    max_bytes: Whole = Field(4 * 2**30, ge=1, description="a larger file is refused")
    max_fees: Whole = Field(5_000_000, ge=1, description="a file with more fees is refused")


class Source(Settings):
    """What is said of every source."""

    expected: Expected | None = Field(None, description="when it must have come; without this nobody is alarmed")
    keep: tuple[Private, ...] = Field(
        (),
        description="private columns to keep; none unless you use them; with [people] also the patron_name",
        examples=[["title"]],
    )

    @property
    def marks(self) -> bool:
        """Whether its fees come with what staff wrote about them, so that one entered anew can bear a mark."""
        return True


class AlmaExport(Source, Arrival):
    """Alma's bursar export: files of XML; the export itself closes or transfers the fees."""

    kind: Literal["alma_export"] = Field(description="alma_export, report or analytics", examples=["alma_export"])
    counters: str = Field(
        "",
        description="file names of the job's counters (JSON, beside the exports): their figures must be the export's",
        examples=["*.json"],
    )


class Columns(Settings):
    """By which headings a report's columns are known, in any order; of several, the first that stands there."""

    fee_id: Headings = Field(min_length=1, description="id of the fee", examples=[["Fine Fee Id"]])
    patron_id: Headings = Field(min_length=1, description="id of the patron", examples=[["Primary Identifier"]])
    fee_type: Headings = Field(min_length=1, description="type of the fee, in words", examples=[["Fine Fee Type"]])
    original: Headings = Field(
        min_length=1, description="what the fee was first for", examples=[["Original Amount", "Transaction Amount"]]
    )
    remaining: Headings = Field(
        (), description="what is still open; open_now only", examples=[["Remaining Amount"]], json_schema_extra=LIVE
    )
    date: Headings = Field(min_length=1, description="date of the fee", examples=[["Transaction Date"]])
    owner: Headings = Field((), description="owning library", examples=[["Library Code"]])
    barcode: Headings = Field((), description="barcode of the item", examples=[["Barcode"]])
    user_group: Headings = Field((), description="user group of the patron", examples=[["User Group"]])
    currency: Headings = Field((), description="currency; the campus's own if not said", examples=[["Currency"]])
    title: Headings = Field((), description="title of the item", examples=[["Title"]])
    comment: Headings = Field(
        (),
        description="free text of staff; without it no mark tells a fee entered anew, and one that may be it is held",
        examples=[["Fine Comment"]],
    )
    patron_name: Headings = Field((), description="name of the patron", examples=[["Full Name"]])


class AsOf(Settings):
    """Which day a report describes, the state of its evening; exactly one of the three."""

    lag_days: Whole | None = Field(
        None, ge=0, le=30, description="so many days before it is delivered", examples=[1], json_schema_extra=LIVE
    )
    column: str = Field(
        "", description="or a column holds it", examples=["Data Updated As Of"], json_schema_extra=OTHERWISE
    )
    header: str = Field(
        "",
        description="or a line above the headings begins so, and a date follows",
        examples=["As of"],
        json_schema_extra=OTHERWISE,
    )

    @model_validator(mode="after")
    def one(self) -> AsOf:
        """Two answers could contradict each other, and none would be a guess."""
        if (self.column != "") + (self.header != "") + (self.lag_days is not None) != 1:
            message = "say exactly one of lag_days, column and header"
            raise ValueError(message)
        return self


class Report(Source):
    """What is said of every Analytics report, however it comes."""

    lists: Literal["open_now", "new_since"] = Field(
        description="open_now: every fee that is open; new_since: only fees that are new, absence says nothing",
        examples=["open_now"],
    )
    columns: Columns = Field(description="by which headings its columns are known")
    as_of: AsOf = Field(description="which day it describes")
    patron_id_type: str = Field("", description="identifier type of its patron ids in Alma", examples=["01"])
    dates: tuple[DayForm, ...] = Field(
        ("YYYY-MM-DD",), min_length=1, description="how its dates are written", examples=[["YYYY-MM-DD", "MM/DD/YYYY"]]
    )
    row_limit: Whole | None = Field(
        None,
        ge=0,
        description="a report of so many rows or more was cut off, and is refused; 0 no limit; if it is not said, one "
        f"of exactly {', '.join(str(rows) for rows in CUT_OFF)} rows is",
        examples=[65000],
    )
    smaller_percent: Whole = Field(
        50, ge=0, le=100, description="an open_now report smaller than this share of the last one needs a person"
    )

    @property
    def marks(self) -> bool:
        """Whether there is a column of comments."""
        return bool(self.columns.comment)

    @model_validator(mode="after")
    def whole(self) -> Report:
        """A list of what is open must say how much of it is; one of what is new cannot know."""
        if self.lists == "open_now" and not self.columns.remaining:
            message = "columns: an open_now report needs a column for the remaining amount"
            raise ValueError(message)
        if self.lists == "new_since" and self.columns.remaining:
            message = "columns: a new_since report declares the original amount only"
            raise ValueError(message)
        return self


class ReportFile(Report, Arrival):
    """An Analytics report that is delivered as a file."""

    kind: Literal["report"] = Field(description="alma_export, report or analytics", examples=["report"])
    pattern: Pattern = Field("*.csv", description="which file names are ours", json_schema_extra=LIVE)
    format: Literal["csv", "xlsx", "rowset"] = Field(
        description="csv, xlsx (a workbook), or rowset (the XML of Analytics)", examples=["csv"]
    )
    delimiter: Literal[",", ";", "\t", "|"] = Field(",", description="what stands between two cells of a csv")


class AnalyticsReport(Report):
    """An Analytics report that is asked for through Alma's API."""

    kind: Literal["analytics"] = Field(description="alma_export, report or analytics", examples=["analytics"])
    path: str = Field(
        min_length=1, description="path of the report in Analytics", examples=["/shared/My University/Reports/Fines"]
    )
    filter: str = Field("", description="filter, as XML on one line; the column must be prompted")
    limit: Whole = Field(1000, ge=25, le=1000, multiple_of=25, description="rows asked for at a time")


AnySource = Annotated[AlmaExport | ReportFile | AnalyticsReport, Field(discriminator="kind")]
