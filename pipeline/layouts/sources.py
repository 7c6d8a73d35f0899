"""Where the values of a file come from: the columns of our own tables, control totals, and what a campus says."""

from __future__ import annotations

from pipeline import tables

FREE_TEXT = frozenset({"label", "description", "title", "comment", "patron_name", "lname", "fname"})
"""Text for the eye only: the one kind of value that may be cut or folded; all else is held if it does not fit."""

PERSON = frozenset({"lname", "fname", "email"})
"""Columns that only some sources carry; a name is never split to make them, so a layout takes them as optional."""

MOVEMENT_SOURCES = PERSON | {
    column.name for column in tables.MOVEMENTS.columns if column.dtype == tables.TEXT or column.name == "amount_cents"
}
PAYMENT_SOURCES = frozenset(
    {
        "payment_ref",
        "payment_line",
        "fee_ref",
        "patron_id",
        "amount_cents",
        "occurred_on",
        "status",
        "method",
        "item_code",
        "origin_ref",
        "currency",
    }
)
LISTED_SOURCES = {"people": frozenset({"id", "name", "status", "group"})}
"""What a list that is only read can tell, by what it lists; ``id`` is the patron's."""

CONTROL_SOURCES = frozenset({"control.count", "control.cents"})
PERIOD_SOURCES = frozenset({"period.first", "period.last"})
"""The days that a returned file says it covers, in its header or trailer."""

SETTING = "system."
"""Before the name of a setting of the campus file, where a column takes its value from one."""

PER_FILE = frozenset({"currency"})
"""Columns of a movement that stand once in a file, in its header or trailer."""

DATES = frozenset({"effective_date", "due_date", "fee_date", "occurred_on"}) | PERIOD_SOURCES
