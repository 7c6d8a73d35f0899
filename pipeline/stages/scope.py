"""A system is stopped whose files are of another form now than what it was told, or is still to be told, needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.findings import Finding
from pipeline.money import Tally
from pipeline.tables import tally

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.layouts.layout import Layout

SAY = {"delta": "say what is new", "snapshot": "repeat everything outstanding"}
THEN = {
    "delta": "which stands in the last full replacement only, and no file would bring it again",
    "snapshot": "which was billed already, and would be billed again",
}


def turned(system: str, layout: Layout, standing: pd.DataFrame) -> Finding | None:
    """Give the finding that stops a system's output; None where its files go on as they were, or nothing is owed.

    ``standing`` is the system's row of stages.system_files.standing: ``was`` the scope of its newest file, ``owed`` and
    ``owed_cents`` what is outstanding there.
    """
    for was, count, cents in zip(*(standing[name].tolist() for name in ("was", "owed", "owed_cents")), strict=True):
        owed = Tally(int(count), int(cents))
        if was in ("", layout.scope) or not owed.count:
            continue
        text = (
            f"{system}: up to now its files {SAY[was]}, those of {layout.name} {SAY[layout.scope]}; outstanding are "
            f"{owed}, {THEN[layout.scope]}"
        )
        return Finding("SCOPE-TURNED", system, text, "batch")
    return None


def without_a_place(system: str, layout: Layout, given_up: pd.DataFrame) -> Finding | None:
    """Give the finding that stops a system's output; None where its layout serves all that was given up (by kind)."""
    astray = given_up[~given_up["kind"].isin(layout.kinds)]
    if not len(astray):
        return None
    kinds = " and ".join(f"{kind}s" for kind in sorted(set(astray["kind"])))
    text = f"{system}: {tally(astray)} of files that were given up are {kinds}, which have no place in {layout.name}"
    return Finding("OUTPUT-AGAIN-NO-KIND", system, text, "batch")
