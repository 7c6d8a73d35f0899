"""The tables of what goes out: runs, files, fees, their movements, and the files these travel in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    and_,
    false,
    func,
    literal_column,
    true,
)

from pipeline import tables
from pipeline.adapters.ledger.columns import (
    FEE_VERSION,
    METADATA,
    MOVEMENT,
    PAYMENT,
    SCOPE,
    declared,
    flag,
    text,
    whole,
)

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

AS_SENT = ("patron_id_type", "patron_id", "owner", "currency", "amount_cents", "barcode")
"""What a movement repeats of its fee: every later movement carries these as the first charge was sent."""

FEE_COLUMNS = tuple(column for column in tables.FEES.columns if column.name != "known")
MOVEMENT_COLUMNS = tuple(
    column
    for column in tables.MOVEMENTS.columns
    if column.name not in tables.FEES.names or column.name in (*AS_SENT, "source", "fee_id", "version")
)

meta = Table("meta", METADATA, *text("name"), *whole("value"), PrimaryKeyConstraint("name"))
"""``schema``: the version of these tables."""

ledgers = Table(
    "ledgers",
    METADATA,
    *whole(*SCOPE),
    *text("campus", "environment"),
    Column("opened_by", Text),
    Column("opened_at", Text),
    *whole("seq"),
    *text("hash"),
    PrimaryKeyConstraint(*SCOPE),
    UniqueConstraint("campus", "environment"),
)
"""One row for each campus and environment: who said that it may start, and the last link of its audit chain.

Every change moves that link, so changes come one after another, and a trail that was cut short is found.
"""

runs = Table(
    "runs",
    METADATA,
    *whole(*SCOPE, "number"),
    *text("business_date"),
    *whole("sequence"),
    *text("command", "config_sha", "started_at"),
    Column("ended_at", Text),
    Column("exit_code", Integer),
    *text("summary"),
    PrimaryKeyConstraint(*SCOPE, "number"),
    UniqueConstraint(*SCOPE, "business_date", "sequence"),
)

files = Table(
    "files",
    METADATA,
    *whole(*SCOPE),
    *text("sha", "name", "role", "feed"),
    *whole("size", "changed"),
    *text("archived_at", "delivered_at", "state", "code", "why"),
    *whole("entry"),
    PrimaryKeyConstraint(*SCOPE, "sha"),
)

fees = Table(
    "fees",
    METADATA,
    *whole(*SCOPE),
    *declared(FEE_COLUMNS),
    *text("state", "code", "why", "system", "since"),
    *whole("first_run", "last_run", "entry"),
    PrimaryKeyConstraint(*FEE_VERSION),
    Index("fees_by_state", *SCOPE, "state", "amount_cents"),
)
"""Every version of every fee ever read.  ``entry`` is the audit row under which it came in, in every table.

``amount_cents`` is signed, here and in movements, batches and their lines: what lowers a debt is negative.
"""

NOTHING: ColumnElement[str] = literal_column("''")
"""Said in the very words of the index below, for else a database does not see that it may use it."""

FEES_THAT_CONTINUE = Index(
    "fees_that_continue", *(fees.c[name] for name in (*SCOPE, "continues")), sqlite_where=fees.c.continues != NOTHING
)

batches = Table(
    "batches",
    METADATA,
    *whole(*SCOPE, "batch_id"),
    *text("system", "kind"),
    *whole("sequence", "part"),
    *text("scope", "name", "path", "sha"),
    *whole("size", "count", "cents"),
    *text("business_date"),
    *whole("entry"),
    PrimaryKeyConstraint(*SCOPE, "batch_id"),
    UniqueConstraint(*SCOPE, "system", "kind", "sequence", "part"),
    UniqueConstraint(*SCOPE, "system", "name"),
)

movements = Table(
    "movements",
    METADATA,
    *whole(*SCOPE),
    *declared(MOVEMENT_COLUMNS),
    *whole("entry"),
    Column("payment_key", Text),
    PrimaryKeyConstraint(*MOVEMENT),
    ForeignKeyConstraint(FEE_VERSION, [f"fees.{name}" for name in FEE_VERSION]),
    ForeignKeyConstraint(PAYMENT, [f"payments.{name}" for name in (*SCOPE, "key")]),
    CheckConstraint("payment_key IS NULL OR kind = 'credit'"),
    CheckConstraint("(kind = 'charge' AND amount_cents > 0) OR (kind IN ('reversal', 'credit') AND amount_cents < 0)"),
    Index("movements_of_a_debt", *SCOPE, "against", "source", "amount_cents"),
)
"""What a debt comes to is the sum of the movements ``against`` its fee: its own, and the credits that name it.

``payment_key`` is set where the bursar wrote a debt off: the credit is theirs, so it is no version of the fee and
stands in no file.
"""

MOVEMENTS_OF_A_PATRON = Index("movements_of_a_patron", movements.c.ledger, func.lower(movements.c.patron_id))
MOVEMENTS_OF_A_DEBTOR = Index("movements_of_a_debtor", movements.c.ledger, func.lower(movements.c.bursar_id))
"""A user name counts the same in any case, so nobody is looked up by the letters they happened to type."""

ONE_CREDIT_PER_WRITE_OFF = Index(
    "one_credit_per_write_off",
    *(movements.c[name] for name in (*PAYMENT, "fee_id", "source")),
    unique=True,
    sqlite_where=movements.c.payment_key.is_not(None),
)
"""The guard against taking a debt off twice."""

ONE_CHARGE_PER_REFERENCE = Index(
    "one_charge_per_reference",
    *(movements.c[name] for name in (*SCOPE, "reference", "system")),
    unique=True,
    sqlite_where=movements.c.kind == "charge",
)

batch_lines = Table(
    "batch_lines",
    METADATA,
    *whole(*SCOPE, "batch_id", "position"),
    *text("fee_id", "source"),
    *whole("movement", "amount_cents"),
    *flag("carried", "live"),
    PrimaryKeyConstraint(*SCOPE, "batch_id", "position"),
    ForeignKeyConstraint((*SCOPE, "batch_id"), [f"batches.{name}" for name in (*SCOPE, "batch_id")]),
    ForeignKeyConstraint(MOVEMENT, [f"movements.{name}" for name in MOVEMENT]),
    Index("lines_of_a_fee", *MOVEMENT, "live", "carried", "amount_cents"),
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
    *whole(*SCOPE, "batch_id"),
    *text("state", "evidence", "changed_at"),
    PrimaryKeyConstraint(*SCOPE, "batch_id"),
    ForeignKeyConstraint((*SCOPE, "batch_id"), [f"batches.{name}" for name in (*SCOPE, "batch_id")]),
)

decisions = Table(
    "decisions",
    METADATA,
    *whole(*SCOPE),
    *text("source", "fee_id"),
    *whole("version"),
    *text("code", "against", "by", "reason", "at"),
    *whole("entry"),
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
    *whole(*SCOPE, "run"),
    *text("business_date", "scope", "what"),
    *whole("count", "cents"),
    PrimaryKeyConstraint(*SCOPE, "run", "scope", "what"),
    Index("figures_by_date", *SCOPE, "business_date"),
)
"""How large each night was, to compare later nights with."""

findings = Table(
    "findings",
    METADATA,
    *whole(*SCOPE, "entry", "number", "run"),
    *text("code", "subject", "text", "place"),
    PrimaryKeyConstraint(*SCOPE, "entry", "number"),
    Index("findings_by_subject", *SCOPE, "subject"),
)

audit = Table(
    "audit",
    METADATA,
    *whole(*SCOPE, "seq"),
    *text("at"),
    *whole("run"),
    *text("actor", "event", "subject", "text", "hash"),
    PrimaryKeyConstraint(*SCOPE, "seq"),
    Index("audit_by_subject", *SCOPE, "subject"),
)
"""One row for every change, each holding the hash of itself and of the one before it."""
