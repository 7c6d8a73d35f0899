"""The tables of what comes in: payments, which debts they are for, what is posted of them, what people do about it."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    func,
    true,
)

from pipeline.adapters.ledger.columns import METADATA, PAYMENT, SCOPE, SHARE, flag, text, whole

BATCH = (*SCOPE, "batch_id")
CALL = (*SCOPE, "external_id")


def _of_a_payment() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(PAYMENT, [f"payments.{name}" for name in (*SCOPE, "key")])


payments = Table(
    "payments",
    METADATA,
    *whole(*SCOPE),
    *text("key", "fingerprint", "system", "file_sha"),
    *whole("line"),
    *text("payment_ref", "payment_line", "fee_ref", "fees", "origin_ref", "patron_id"),
    *whole("cents"),
    *text("occurred_on", "kind", "method", "item_code", "status", "reader", "state", "code", "why", "takes_back"),
    *whole("suspense_cents"),
    *text("since"),
    *whole("entry"),
    PrimaryKeyConstraint(*SCOPE, "key"),
    ForeignKeyConstraint((*SCOPE, "file_sha"), [f"files.{name}" for name in (*SCOPE, "sha")]),
    Index("payments_by_state", *SCOPE, "state"),
    Index("payments_by_receipt", *SCOPE, "payment_ref", "system"),
    Index("payments_by_date", *SCOPE, "occurred_on"),
    Index("payments_by_origin", *SCOPE, "takes_back"),
)
"""Every line of money ever read.  ``fees`` is JSON: [[reference, cents], ...], or nothing."""

PAYMENTS_OF_A_PATRON = Index("payments_of_a_patron", payments.c.ledger, func.lower(payments.c.patron_id))

shares = Table(
    "shares",
    METADATA,
    *whole(*SCOPE),
    *text("payment_key"),
    *whole("number"),
    *text("source", "fee_id"),
    *whole("cents"),
    *flag("live"),
    *whole("entry"),
    PrimaryKeyConstraint(*SHARE, "entry"),
    _of_a_payment(),
    CheckConstraint("number > 0 AND cents <> 0"),
    Index("shares_of_a_debt", *SCOPE, "fee_id", "source"),
)
"""Which debts a payment is for.  A share stops being live when its payment is matched anew; none is taken away."""

ONE_LIVE_SHARE = Index(
    "one_live_share",
    *(shares.c[name] for name in SHARE),
    unique=True,
    sqlite_where=shares.c.live == true(),
)

allocations = Table(
    "allocations",
    METADATA,
    *whole(*SCOPE),
    *text("payment_key"),
    *whole("number"),
    *text("source", "fee_id", "alma_fee_id"),
    *whole("cents", "entry"),
    PrimaryKeyConstraint(*SHARE),
    _of_a_payment(),
    CheckConstraint("cents > 0"),
    Index("allocations_of_a_debt", *SCOPE, "fee_id", "source"),
    Index("allocations_by_alma_fee", *SCOPE, "alma_fee_id"),
)

postings = Table(
    "postings",
    METADATA,
    *whole(*SCOPE),
    *text("external_id", "payment_key", "patron_id", "patron_id_type", "source", "fee_id", "alma_fee_id"),
    *whole("number", "cents"),
    *text("method", "comment", "way", "state"),
    *whole("attempts"),
    Column("since", Text),
    Column("posted_at", Text),
    *text("code", "why", "evidence", "changed_at"),
    *whole("blind_nights"),
    *text("blind_on"),
    PrimaryKeyConstraint(*CALL),
    UniqueConstraint(*SHARE),
    ForeignKeyConstraint(SHARE, [f"allocations.{name}" for name in SHARE]),
    CheckConstraint("way IN ('api', 'import_file', 'record')"),
    CheckConstraint("(way = 'record') = (state = 'recorded')"),
    CheckConstraint("state <> 'listed' OR way = 'import_file'"),
    CheckConstraint("state <> 'sending' OR way = 'api'"),
    Index("postings_by_state", *SCOPE, "state"),
    Index("postings_by_moment", *SCOPE, "posted_at"),
)
"""The call that each share of a payment comes to; ``posted_at`` is when Alma was first known to have it."""

import_lines = Table(
    "import_lines",
    METADATA,
    *whole(*BATCH, "position"),
    *text("external_id"),
    *whole("cents"),
    *flag("live"),
    PrimaryKeyConstraint(*BATCH, "position"),
    ForeignKeyConstraint(BATCH, [f"batches.{name}" for name in BATCH]),
    ForeignKeyConstraint(CALL, [f"postings.{name}" for name in CALL]),
    CheckConstraint("cents > 0"),
    Index("lines_of_a_call", *CALL),
)
"""Which posting stands at which position of which file for Alma; a line is live until its file is given up."""

ONE_LIVE_IMPORT_LINE = Index(
    "one_live_import_line",
    *(import_lines.c[name] for name in CALL),
    unique=True,
    sqlite_where=import_lines.c.live == true(),
)
"""The guard against handing a payment to Alma twice."""

tasks = Table(
    "tasks",
    METADATA,
    *whole(*SCOPE),
    *text("task_id", "kind", "subject", "system", "source", "fee_id", "reference", "patron_id"),
    *whole("cents"),
    *text("text", "opened_on", "opened_at", "state", "closed_by", "reason"),
    Column("closed_at", Text),
    *whole("entry"),
    PrimaryKeyConstraint(*SCOPE, "task_id"),
    CheckConstraint("state IN ('open', 'done')"),
    CheckConstraint("(state = 'done') = (closed_at IS NOT NULL)"),
    Index("tasks_of_a_subject", *SCOPE, "subject", "state"),
)

words = Table(
    "words",
    METADATA,
    *whole(*SCOPE),
    *text("subject", "action", "by", "reason", "at"),
    Column("heard_by", Text),
    *whole("entry"),
    PrimaryKeyConstraint(*SCOPE, "entry"),
    Index("words_on_a_subject", *SCOPE, "subject"),
)
"""What people said; none is ever taken away.  The newest on a subject waits until ``heard_by`` acted on it."""
