"""Routes that no fee can ever reach, because one before them takes everything that they would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from pipeline import money
from pipeline.campus.policy import Route
from pipeline.campus.written import Part, Problem, tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EQUALS = ("id_type", "id_shape")
ONE_OF = ("user_group", "fee_type", "owner", "source")
CONDITIONS = tuple(name for name in Route.model_fields if name != "to")


def unreachable(table: Mapping[str, Any]) -> Iterator[Problem]:
    """Name every route that one single route before it leaves nothing for; a wrong route is passed over."""
    before: list[tuple[Part, Route]] = []
    for place, raw in tables(table, "routes"):
        try:
            route = Route.model_validate(raw)
        except ValidationError:
            continue
        taker = next((one for one in before if takes_all(one[1], route)), None)
        if taker is None:
            before.append((place, route))
            continue
        number = int(taker[0][-1]) + 1
        whom = "everybody" if not conditional(taker[1]) else "all that it would take"
        yield Problem(place, f"is never reached: routes[{number}] takes {whom}; put that one last")


def conditional(route: Route) -> bool:
    """Say whether a route asks for anything at all."""
    return any(getattr(route, name) not in ("", (), 0, None) for name in CONDITIONS)


def takes_all(first: Route, second: Route) -> bool:
    """Say whether every fee that fits ``second`` fits ``first`` too, as far as one can tell without an id."""
    alike = all(getattr(first, name) in ("", getattr(second, name)) for name in EQUALS)
    return alike and all(_holds(first, second, name) for name in ONE_OF) and _spans(first, second)


def _holds(first: Route, second: Route, name: str) -> bool:
    wide, narrow = set(getattr(first, name)), set(getattr(second, name))
    return not wide or (bool(narrow) and narrow <= wide)


def _spans(first: Route, second: Route) -> bool:
    """Whether the amounts and ages of the second lie within those of the first."""
    least, most = _cents(first.min_amount, 0), _cents(first.max_amount, None)
    other = _cents(second.max_amount, None)
    amounts = (least or 0) <= (_cents(second.min_amount, 0) or 0) and (most is None or _within(other, most))
    oldest = first.max_age_days
    ages = first.min_age_days <= second.min_age_days and (oldest is None or _within(second.max_age_days, oldest))
    return amounts and ages


def _within(value: int | None, limit: int) -> bool:
    return value is not None and value <= limit


def _cents(amount: str, unsaid: int | None) -> int | None:
    return money.cents(amount) if amount else unsaid
