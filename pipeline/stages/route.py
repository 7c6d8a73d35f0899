"""Which system a debt goes to: the first rule of the campus that fits; then who the debtor is, and what waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.campus.policy import EXCLUDED, HELD
from pipeline.rules import Sorting
from pipeline.stages.acquaint import acquaint, groups, out_of_date
from pipeline.stages.fits import fits
from pipeline.stages.lookup import looked_up
from pipeline.stages.wait import wait

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import numpy as np
    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.campus.policy import Route
    from pipeline.campus.settings import Campus
    from pipeline.findings import Outcome

WHY = "route {number} of the campus file says so"


def route(movements: pd.DataFrame, campus: Loaded, today: date, people: pd.DataFrame) -> Outcome:
    """Give every new debt its system; hold, exclude or let wait what the campus's rules say.

    A movement that has a system already keeps it, whatever the rules say by now: one debtor for ever.  ``people`` is
    stages.people.PEOPLE.
    """
    settings = campus.campus
    movements = movements.reset_index(drop=True)
    fresh = movements["system"] == ""
    chosen = choose(settings.routes, movements, today, people)
    system = movements["system"].where(~fresh, _systems(chosen, settings.routes))
    rows = Sorting(movements.assign(system=system).astype({"system": "str"}))
    _undecided(rows, fresh, settings, people)
    _unknown(rows, fresh & passed_over(settings.routes, chosen, rows.frame, today), settings, people)
    for number, rule in enumerate(settings.routes, start=1):
        if rule.to == HELD:
            rows.hold(fresh & (chosen == number), "ROUTE-HELD", WHY.format(number=number))
        elif rule.to == EXCLUDED:
            rows.put("excluded", fresh & (chosen == number), "ROUTE-EXCLUDED", WHY.format(number=number))
    rows.hold(fresh & (chosen == 0), "ROUTE-NONE", "no route fits; its id is of type {patron_id_type!r}")
    acquaint(rows, fresh, people, settings)
    wait(rows, settings.waiting, today)
    return rows.outcome()


def choose(routes: Sequence[Route], movements: pd.DataFrame, today: date, people: pd.DataFrame) -> np.ndarray:
    """Give for every row the number of the first route that fits, counted from 1; 0 where none does."""
    import numpy as np

    seen = movements.assign(user_group=groups(movements, people))
    chosen = np.zeros(len(seen), dtype="int64")
    for number, rule in enumerate(routes, start=1):
        chosen[(chosen == 0) & fits(rule, seen, today).to_numpy(dtype=bool)] = number
    return chosen


def passed_over(routes: Sequence[Route], chosen: np.ndarray, rows: pd.DataFrame, today: date) -> pd.Series[bool]:
    """Say of which rows without a user group a route before theirs would have taken them, had they the right one.

    A route that names the blank group says where those go of whom nobody knows one.
    """
    import pandas as pd

    found = pd.Series(data=False, index=rows.index, dtype="bool")
    unknown = rows["user_group"] == ""
    for number, rule in enumerate(routes, start=1):
        if rule.user_group:
            earlier = pd.Series((chosen == 0) | (chosen > number), index=rows.index)
            found |= unknown & earlier & fits(rule.model_copy(update={"user_group": ()}), rows, today)
            if "" in rule.user_group:
                found &= pd.Series(chosen != number, index=rows.index)
    return found


def _systems(chosen: np.ndarray, routes: Sequence[Route]) -> pd.Series[str]:
    """What is held or excluded is no system's."""
    import pandas as pd

    systems = {number: rule.to for number, rule in enumerate(routes, start=1) if rule.to not in (HELD, EXCLUDED)}
    return looked_up(pd.Series(chosen), systems)


def _undecided(rows: Sorting, fresh: pd.Series[bool], settings: Campus, people: pd.DataFrame) -> None:
    """A route by user group cannot be trusted to a file that is too old, or that says nobody's group."""
    if settings.people is None or not any(rule.user_group for rule in settings.routes):
        return
    leaning = fresh & (rows.frame["user_group"] == "")
    days = settings.people.max_age_days
    rows.hold(leaning & out_of_date(people), "PEOPLE-STALE", f"its route needs a people file of the last {days} days")
    silent = not people["user_group"].any()
    rows.hold(leaning & silent, "PEOPLE-UNKNOWN", "its route needs a user group, and the people file says nobody's")


def _unknown(rows: Sorting, unsure: pd.Series[bool], settings: Campus, people: pd.DataFrame) -> None:
    """Whom tomorrow's people file may know goes nowhere today: the first debtor stays the debtor."""
    if settings.people is None:
        return
    known = groups(rows.frame, people) != ""
    why = "a route before its own asks for a user group, and the people file says none for the id"
    rows.hold(unsure & ~known, "PEOPLE-UNKNOWN", why)
