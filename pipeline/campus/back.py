"""What a campus says about money that comes back: the files, how it is divided, and who is told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator, model_validator

from pipeline.campus.sources import Expected
from pipeline.campus.values import LIVE, Address, Hour, Name, Pattern, SecretName, Settings, Whole

if TYPE_CHECKING:
    from datetime import date

LOOPBACK = ("localhost", "127.0.0.1", "::1")


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
    expected: Expected | None = Field(None, description="when it must have come; without this nobody is alarmed")
    stale_days: Whole = Field(
        35, ge=1, description="a file whose newest line is older than so many days when it comes is held"
    )


class Unnamed(Settings):
    """How money that names no fee is divided over what its patron owes at the system."""

    order: Literal["oldest_due", "fee_type"] = Field(
        "oldest_due", description="one debt of exactly the amount first, then by due date, or by fee type"
    )
    fee_types: tuple[str, ...] = Field(
        (), description="fee types in the order in which they are paid", examples=[["LOSTITEMREPLACEMENTFEE"]]
    )
    review: bool = Field(default=False, description="hold it till a person says yes")


class Mail(Settings):
    """Where mail is handed in, and who gets it.  Mails carry counts, sums and our own ids only."""

    host: str = Field(min_length=1, description="the mail server", examples=["smtp.example.edu"])
    port: Whole = Field(587, ge=1, le=65535, description="its port")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="none only for a server on this machine"
    )
    user: str = Field("", description="our account there, if it wants one", examples=["library"])
    secret: SecretName = Field("", description="name of the secret that holds our password", examples=["mail_password"])
    sender: Address = Field(description="the sender", examples=["library-fees@example.edu"])
    digest: tuple[Address, ...] = Field(
        (), description="who gets the digest, once a day", examples=[["library-fines@example.edu"]]
    )
    digest_at: Hour = Field(
        "00:00", description="mail of a day goes not before this hour, at the campus", examples=["17:00"]
    )
    desks: dict[str, tuple[Address, ...]] = Field(
        default_factory=dict,
        description="who is told of payments, by owning library; * for any other",
        examples=[{"MAIN": ["circulation@example.edu"]}],
    )

    @model_validator(mode="after")
    def safe(self) -> Mail:
        """A password or a letter over an open line could be read on the way."""
        if self.security == "none" and self.host not in LOOPBACK:
            message = f"security = 'none' is only for a server on this machine ({', '.join(LOOPBACK)})"
            raise ValueError(message)
        if bool(self.user) != bool(self.secret):
            message = "give user and secret both, or neither"
            raise ValueError(message)
        return self


FIELD = re.compile(r"\{([^{}]*)\}")
PLAIN = re.compile(r"(?!\.)[A-Za-z0-9._-]+", re.ASCII)


class ImportFiles(Settings):
    """Where files for Alma's import from the bursar are left."""

    connection: Name = Field(description="which connection they go to", examples=["exchange"])
    folder: str = Field(".", description="the folder there", examples=["to_alma"], json_schema_extra=LIVE)
    name: str = Field(
        "payments_{source}_{date}_{seq}.xml",
        min_length=1,
        description="their name; {source}, {date} and {seq} are filled in",
    )

    @field_validator("name")
    @classmethod
    def fillable(cls, name: str) -> str:
        """A name that is never used twice, and one that no server takes for a path or hides."""
        fields = FIELD.findall(name)
        if "seq" not in fields or not set(fields) <= {"source", "date", "seq"}:
            message = "needs {seq}, since a name is never used twice, and may have {source} and {date}"
            raise ValueError(message)
        if PLAIN.fullmatch(FIELD.sub("x", name)) is None:
            message = "may have letters, digits, dot, dash and underscore beside its fields, and no dot in front"
            raise ValueError(message)
        return name

    def file_name(self, source: str, business_date: date, sequence: int) -> str:
        """Name the file of a source: the date as YYYYMMDD, the sequence with four digits at least."""
        said = {"source": source, "date": business_date.strftime("%Y%m%d"), "seq": f"{sequence:04d}"}
        return FIELD.sub(lambda field: said[field.group(1)], self.name)

    def is_name(self, source: str, name: str) -> bool:
        """Say whether a file of the source bears such a name, of whatever date and sequence."""
        forms = {"source": re.escape(source), "date": "[0-9]{8}", "seq": "[0-9]{4,}"}
        parts = FIELD.split(self.name)  # by turns text and field
        pattern = "".join(forms[one] if number % 2 else re.escape(one) for number, one in enumerate(parts))
        return re.fullmatch(pattern, name) is not None
