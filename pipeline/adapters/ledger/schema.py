"""The tables of the ledger; their unique keys are what keeps a debt from being charged, or a payment posted, twice.

One database serves many campuses, in training and for real: every key begins with the number of a ledger, and a ledger
belongs to one campus in one environment (text in every key would cost a fifth of the time and a third of the space).
Amounts are whole cents in 64 bits; moments are UTC in ISO 8601 text; every other text is never null.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    and_,
    false,
    func,
    true,
)

from pipeline import tables

VERSION = 3
"""Rises with every change of a table.  A program never works on a ledger whose version it does not know."""

SCOPE = ("ledger",)
FEE = (*SCOPE, "fee_id", "source")
FEE_VERSION = (*FEE, "version")
MOVEMENT = (*FEE, "movement")
SHARE = (*SCOPE, "payment_key", "number")

AS_SENT = ("patron_id_type", "patron_id", "owner", "currency", "amount_cents", "barcode")
"""What a movement repeats of its fee: every later movement carries these as the first charge was sent."""

FEE_COLUMNS = tuple(column for column in tables.FEES.columns if column.name != "known")
MOVEMENT_COLUMNS = tuple(
    column
    for column in tables.MOVEMENTS.columns
    if column.name not in tables.FEES.names or column.name in (*AS_SENT, "source", "fee_id", "version")
)

METADATA = MetaData()


def _text(*names: str) -> list[Column[str]]:
    return [Column(name, Text, nullable=False) for name in names]


def _whole(*names: str) -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=False) for name in names]


def _flag(*names: str) -> list[Column[bool]]:
    return [Column(name, Boolean, nullable=False) for name in names]


def _declared(columns: tuple[tables.Column, ...]) -> list[Column[str] | Column[int]]:
    kinds = {tables.TEXT: Text, tables.WHOLE: BigInteger}
    return [Column(column.name, kinds[column.dtype], nullable=False) for column in columns]


meta = Table("meta", METADATA, *_text("name"), *_whole("value"), PrimaryKeyConstraint("name"))
"""``schema``: the version of these tables."""

ledgers = Table(
    "ledgers",
    METADATA,
    *_whole(*SCOPE),
    *_text("campus", "environment"),
    Column("opened_by", Text),
    Column("opened_at", Text),
    *_whole("seq"),
    *_text("hash"),
    PrimaryKeyConstraint(*SCOPE),
    UniqueConstraint("campus", "environment"),
)
"""One row for each campus and environment: who said that it may start, and the last link of its audit chain.

Every change moves that link, so changes come one after another, and a trail that was cut short is found.
"""

runs = Table(
    "runs",
    METADATA,
    *_whole(*SCOPE, "number"),
    *_text("business_date"),
    *_whole("sequence"),
    *_text("command", "config_sha", "started_at"),
    Column("ended_at", Text),
    Column("exit_code", Integer),
    *_text("summary"),
    PrimaryKeyConstraint(*SCOPE, "number"),
    UniqueConstraint(*SCOPE, "business_date", "sequence"),
)

files = Table(
    "files",
    METADATA,
    *_whole(*SCOPE),
    *_text("sha", "name", "role", "feed"),
    *_whole("size", "changed"),
    *_text("archived_at", "delivered_at", "state", "code", "why"),
    *_whole("entry"),
    PrimaryKeyConstraint(*SCOPE, "sha"),
)

fees = Table(
    "fees",
    METADATA,
    *_whole(*SCOPE),
    *_declared(FEE_COLUMNS),
    *_text("state", "code", "why", "system", "since"),
    *_whole("first_run", "last_run", "entry"),
    PrimaryKeyConstraint(*FEE_VERSION),
    Index("fees_by_state", *SCOPE, "state", "amount_cents"),
)
"""Every version of every fee ever read.  ``entry`` is the audit row under which it came in, here and below.

``amount_cents`` is signed, here and in movements, batches and their lines: what lowers a debt is negative.
"""

batches = Table(
    "batches",
    METADATA,
    *_whole(*SCOPE, "batch_id"),
    *_text("system", "kind"),
    *_whole("sequence", "part"),
    *_text("scope", "name", "path", "sha"),
    *_whole("size", "count", "cents"),
    *_text("business_date"),
    *_whole("entry"),
    PrimaryKeyConstraint(*SCOPE, "batch_id"),
    UniqueConstraint(*SCOPE, "system", "kind", "sequence", "part"),
    UniqueConstraint(*SCOPE, "system", "name"),
)

movements = Table(
    "movements",
    METADATA,
    *_whole(*SCOPE),
    *_declared(MOVEMENT_COLUMNS),
    *_whole("entry"),
    PrimaryKeyConstraint(*MOVEMENT),
    ForeignKeyConstraint(FEE_VERSION, [f"fees.{name}" for name in FEE_VERSION]),
    CheckConstraint("(kind = 'charge' AND amount_cents > 0) OR (kind IN ('reversal', 'credit') AND amount_cents < 0)"),
    Index("movements_of_a_debt", *SCOPE, "against", "source", "amount_cents"),
)
"""What a debt comes to is the sum of the movements ``against`` its fee: its own, and the credits that name it."""

MOVEMENTS_OF_A_PATRON = Index("movements_of_a_patron", movements.c.ledger, func.lower(movements.c.patron_id))
"""A user name counts the same in any case, so nobody is looked up by the letters they happened to type."""

ONE_CHARGE_PER_REFERENCE = Index(
    "one_charge_per_reference",
    *(movements.c[name] for name in (*SCOPE, "system", "reference")),
    unique=True,
    sqlite_where=movements.c.kind == "charge",
)

batch_lines = Table(
    "batch_lines",
    METADATA,
    *_whole(*SCOPE, "batch_id", "position"),
    *_text("fee_id", "source"),
    *_whole("movement", "amount_cents"),
    *_flag("carried", "live"),
    PrimaryKeyConstraint(*SCOPE, "batch_id", "position"),
    ForeignKeyConstraint((*SCOPE, "batch_id"), [f"batches.{name}" for name in (*SCOPE, "batch_id")]),
    ForeignKeyConstraint(MOVEMENT, [f"movements.{name}" for name in MOVEMENT]),
    Index("lines_of_a_fee", *MOVEMENT, "live", "carried"),
    sqlite_with_rowid=False,
)
"""Which movement stands at which position of which file.  A line stops being live when its file is given up."""

SENT_HERE = and_(batch_lines.c.live == true(), batch_lines.c.carried == false())
"""The line by which a movement goes to the bursar, as opposed to repeats of it in later snapshots."""

ONE_LIVE_LINE_PER_MOVEMENT = Index(
    "one_live_line_per_movement",
    *(batch_lines.c[name] for name in MOVEMENT),
    unique=True,
    sqlite_where=SENT_HERE,
)
"""The guard against charging twice."""

uploads = Table(
    "uploads",
    METADATA,
    *_whole(*SCOPE, "batch_id"),
    *_text("state", "evidence", "changed_at"),
    PrimaryKeyConstraint(*SCOPE, "batch_id"),
    ForeignKeyConstraint((*SCOPE, "batch_id"), [f"batches.{name}" for name in (*SCOPE, "batch_id")]),
)

payments = Table(
    "payments",
    METADATA,
    *_whole(*SCOPE),
    *_text("key", "fingerprint", "system", "file_sha"),
    *_whole("line"),
    *_text("payment_ref", "fee_ref", "patron_id"),
    *_whole("cents"),
    *_text("occurred_on", "kind", "method", "state", "code", "why", "fee_id"),
    *_whole("suspense_cents"),
    *_text("since"),
    *_whole("entry"),
    PrimaryKeyConstraint(*SCOPE, "key"),
    ForeignKeyConstraint((*SCOPE, "file_sha"), [f"files.{name}" for name in (*SCOPE, "sha")]),
    Index("payments_by_fee", *SCOPE, "system", "fee_id"),
    Index("payments_by_state", *SCOPE, "state"),
)

allocations = Table(
    "allocations",
    METADATA,
    *_whole(*SCOPE),
    *_text("payment_key"),
    *_whole("number"),
    *_text("fee_id", "alma_fee_id"),
    *_whole("cents"),
    PrimaryKeyConstraint(*SHARE),
    ForeignKeyConstraint((*SCOPE, "payment_key"), [f"payments.{name}" for name in (*SCOPE, "key")]),
    CheckConstraint("cents > 0"),
    Index("allocations_by_fee", *SCOPE, "fee_id"),
)

postings = Table(
    "postings",
    METADATA,
    *_whole(*SCOPE),
    *_text("external_id", "payment_key", "patron_id", "patron_id_type", "alma_fee_id"),
    *_whole("number", "cents"),
    *_text("method", "comment", "state"),
    *_whole("attempts"),
    Column("since", Text),
    Column("posted_at", Text),
    *_text("code", "why", "evidence", "changed_at"),
    PrimaryKeyConstraint(*SCOPE, "external_id"),
    UniqueConstraint(*SHARE),
    ForeignKeyConstraint(SHARE, [f"allocations.{name}" for name in SHARE]),
    Index("postings_by_state", *SCOPE, "state"),
)
"""The call that each share of a payment comes to; ``posted_at`` is when Alma was first known to have it."""

decisions = Table(
    "decisions",
    METADATA,
    *_whole(*SCOPE),
    *_text("source", "fee_id"),
    *_whole("version"),
    *_text("code", "against", "by", "reason", "at"),
    *_whole("entry"),
    PrimaryKeyConstraint(*SCOPE, "entry"),
    ForeignKeyConstraint(FEE_VERSION, [f"fees.{name}" for name in FEE_VERSION]),
    Index("decisions_of_a_fee", *FEE_VERSION),
)
"""What a person said of a version of a fee that was held as ``code``.

The newest word on a version and code counts, and none is ever taken away.
"""

figures = Table(
    "figures",
    METADATA,
    *_whole(*SCOPE, "run"),
    *_text("business_date", "scope", "what"),
    *_whole("count", "cents"),
    PrimaryKeyConstraint(*SCOPE, "run", "scope", "what"),
    Index("figures_by_date", *SCOPE, "business_date"),
)
"""How large each night was, to compare later nights with."""

findings = Table(
    "findings",
    METADATA,
    *_whole(*SCOPE, "entry", "number", "run"),
    *_text("code", "subject", "text", "place"),
    PrimaryKeyConstraint(*SCOPE, "entry", "number"),
    Index("findings_by_subject", *SCOPE, "subject"),
)

audit = Table(
    "audit",
    METADATA,
    *_whole(*SCOPE, "seq"),
    *_text("at"),
    *_whole("run"),
    *_text("actor", "event", "subject", "text", "hash"),
    PrimaryKeyConstraint(*SCOPE, "seq"),
    Index("audit_by_subject", *SCOPE, "subject"),
)
"""One row for every change, each holding the hash of itself and of the one before it."""


def guard_on_a_server() -> None:
    """Tell PostgreSQL too that the guards hold for some rows only; not above, for it would load a tenth more."""
    for guard in (ONE_CHARGE_PER_REFERENCE, ONE_LIVE_LINE_PER_MOVEMENT):
        guard.dialect_kwargs["postgresql_where"] = guard.dialect_kwargs["sqlite_where"]
