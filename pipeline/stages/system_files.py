"""What each bursar's files depend on tonight: do they replace each other, what do they repeat, what is still open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.layouts import layout as layouts
from pipeline.money import Tally
from pipeline.ports.ledger import PaymentState
from pipeline.stages.question import BRAKES, yes_of
from pipeline.stages.together import together

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import pandas as pd

    from pipeline.flow.runner import Work


def standing(work: Work) -> pd.DataFrame:
    """Say what each system's files depend on tonight.

    ``snapshot``: whether its files replace each other; ``unsent``: its newest snapshot never arrived, and comes to
    ``made``, ``made_cents``; ``unread``: not all its payments could be read; ``asked``: a brake asks about it tonight;
    ``yes``: a person's yes (stages.question.Yes); ``was``: the scope of its newest file, "" if it has none; ``owed``,
    ``owed_cents``: what is outstanding there, if its files have another scope now; ``last``, ``last_cents``: what its
    newest snapshot that was sent comes to.
    """
    import pandas as pd

    systems = sorted(work.campus.campus.systems)
    unread = _unread(work, systems)
    unsent = {one.batch.system: one.batch for one in work.ledger.uploads() if one.batch.scope == "snapshot"}
    made = [Tally(unsent[name].count, unsent[name].cents) if name in unsent else Tally() for name in systems]
    asked = {one.subject for one in work.findings if one.stops and one.code in BRAKES.values()}
    was = [work.ledger.last_scope(name) for name in systems]
    owed = [_owed_otherwise(work, name, scope) for name, scope in zip(systems, was, strict=True)]
    last = [work.ledger.last_snapshot_total(name) for name in systems]
    return pd.DataFrame(
        {
            "system": pd.Series(systems, dtype="str"),
            "snapshot": pd.Series([replaces(work, name) for name in systems], dtype="bool"),
            "unsent": pd.Series([name in unsent for name in systems], dtype="bool"),
            "made": pd.Series([one.count for one in made], dtype="int64"),
            "made_cents": pd.Series([one.cents for one in made], dtype="int64"),
            "asked": pd.Series([name in asked for name in systems], dtype="bool"),
            "unread": pd.Series([name in unread for name in systems], dtype="bool"),
            "yes": pd.Series([yes_of(work, name) for name in systems], dtype="object"),
            "was": pd.Series(was, dtype="str"),
            "owed": pd.Series([one.count for one in owed], dtype="int64"),
            "owed_cents": pd.Series([one.cents for one in owed], dtype="int64"),
            "last": pd.Series([one.count for one in last], dtype="int64"),
            "last_cents": pd.Series([one.cents for one in last], dtype="int64"),
        }
    )


def _unread(work: Work, systems: Collection[str]) -> set[str]:
    """Give the systems of which money may have come that does not count as paid yet.

    It was not all read tonight, or by an earlier run that stopped: files wait to be read, or payments to be matched.
    """
    if any(desk.stopped and desk.name == "PAYMENTS_IN" for desk in work.before):
        return set(systems)
    unread = {system for desk in work.before for system in desk.unread}
    unread |= {file.feed for file in work.ledger.files_in("payments", "archived")}
    received = work.ledger.payments_in(PaymentState.RECEIVED)
    return unread | {one.system for one in received if one.kind == "sale" and one.cents > 0}


def _owed_otherwise(work: Work, system: str, was: str) -> Tally:
    """Add up what is outstanding at a system whose files had another scope up to now; nothing at any other."""
    if was in ("", "snapshot" if replaces(work, system) else "delta"):
        return Tally()
    return tables.tally(work.ledger.open_items(system, ()))


def repeated(work: Work) -> pd.DataFrame:
    """Give all that is owed, where files repeat that; where they say what is new, what was given up unsent."""
    return _of_each(work, _repeated)


def last_snapshots(work: Work) -> pd.DataFrame:
    """Give the rows of each system's newest snapshot that was sent; a new debt is news, whatever these say.

    So they are asked for only where there is none: a hundred thousand of them take their time.
    """
    new = set(work.rows.loc[tables.first_charges(work.rows), "system"].unique())
    return _of_each(work, lambda work, system: work.ledger.last_snapshot("" if system in new else system))


def replaces(work: Work, system: str) -> bool:
    """Whether a system's files replace each other: each of them is a snapshot."""
    return layouts.load(work.campus.campus.systems[system].layout, work.campus.folder).scope == "snapshot"


def _repeated(work: Work, system: str) -> pd.DataFrame:
    if not replaces(work, system):
        return work.ledger.given_up(system)
    layout = layouts.load(work.campus.campus.systems[system].layout, work.campus.folder)
    return work.ledger.open_items(system, layout.sources)


def _of_each(work: Work, ask: Callable[[Work, str], pd.DataFrame]) -> pd.DataFrame:
    names = work.campus.campus.systems
    return together(ask(work, name).assign(system=name).astype({"system": "str"}) for name in names)
