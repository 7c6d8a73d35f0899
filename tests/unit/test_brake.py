"""Brakes: a night unlike those before it waits for a yes, with the figures in one line; every other one goes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from pipeline import tables
from pipeline.campus.policy import Brakes, Mute
from pipeline.findings import Finding
from pipeline.stages.brake import brake
from pipeline.stages.question import BRAKES
from tests.samples import sample_campus
from tests.unit.test_recognise import NEW

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pipeline.campus.load import Loaded
    from pipeline.findings import Outcome

TODAY = date(2026, 3, 2)
YES = frozenset({"peoplesoft"})
KNOWN_WORDS = (("type:OVERDUEFINE", 1, 1), ("shape:999999999", 1, 1))


def campus(first_nights: str = "send", **brakes: Any) -> Loaded:
    loaded = sample_campus()
    system = loaded.campus.systems["peoplesoft"].model_copy(update={"brakes": Brakes(**brakes)})
    systems = {**loaded.campus.systems, "peoplesoft": system}
    changed = loaded.campus.model_copy(update={"systems": systems, "first_nights": first_nights})
    return replace(loaded, campus=changed)


@dataclass
class Past:
    """The ledger, as far as brakes ask it: figures of nights, and what the last run said of an output that waits."""

    rows: list[tuple[str, str, str, int, int]] = field(default_factory=list)
    said: Sequence[Finding] = ()

    def said_last(self, subject: str, codes: Collection[str]) -> list[Finding]:
        return [one for one in self.said if one.subject == subject and one.code in codes]

    def night(self, day: date, count: int, cents: int, words: Iterable[tuple[str, int, int]] = KNOWN_WORDS) -> None:
        for what, many, worth in (("sent", count, cents), *(words if count else ())):
            self.rows.append((day.isoformat(), "peoplesoft", what, many, worth))

    def nights(self, number: int, count: int = 10, cents: int = 10000, before: date = TODAY) -> Past:
        for back in range(number, 0, -1):
            self.night(before - timedelta(days=back), count, cents)
        return self

    def figures(self, since: date) -> pd.DataFrame:
        kept = [row for row in self.rows if row[0] >= since.isoformat()]
        return pd.DataFrame(kept, columns=["business_date", "scope", "what", "count", "cents"])


def charges(number: int, cents: int = 1000, **said: Any) -> pd.DataFrame:
    rows = [{**NEW, "fee_id": str(one), "amount_cents": cents, **said} for one in range(number)]
    return tables.MOVEMENTS.frame({name: [row[name] for row in rows] for name in NEW})


def fees(*said: tuple[str, int]) -> pd.DataFrame:
    """Charges by fee id and cents."""
    return pd.concat([charges(1, cents, fee_id=fee) for fee, cents in said], ignore_index=True)


def desk(rows: pd.DataFrame, past: Past, loaded: Loaded, **said: Any) -> Any:
    held = said.pop("held", None)
    plain = {"approved": frozenset(), "run": SimpleNamespace(command="night"), "today": TODAY, **said}
    return SimpleNamespace(rows=rows, ledger=past, campus=loaded, box=lambda _: held, **plain)


def codes(outcome: Outcome) -> list[str]:
    return [finding.code for finding in outcome.findings]


def run(rows: pd.DataFrame, past: Past, loaded: Loaded | None = None, **said: Any) -> Outcome:
    outcome = brake(desk(rows, past, loaded or campus(), **said))
    assert sum(len(frame) for _, frame in outcome.all_rows()) == len(rows)
    return outcome


def test_an_ordinary_night_goes_without_a_word() -> None:
    outcome = run(charges(30), Past().nights(20))
    assert (len(outcome.passed), outcome.findings) == (30, ())


def test_a_night_of_many_times_the_usual_is_held_whole_and_says_what_to_type() -> None:
    outcome = run(charges(31, 400), Past().nights(20))
    assert codes(outcome) == ["BRAKE-COUNT"]
    assert len(outcome.passed) == 0
    assert set(outcome.boxes["held"]["code"]) == {"OUTPUT-STOPPED"}
    finding: Finding = outcome.findings[0]
    assert (finding.subject, finding.stops, finding.entry.scope) == ("peoplesoft", True, "output")
    assert "the count is 31 against 10 usually" in finding.text
    assert finding.text.endswith("say --approve peoplesoft")


def test_a_yes_lets_it_go_for_this_run_and_is_told() -> None:
    past = Past().nights(20)
    past.said = run(charges(31, 400), past).findings
    outcome = run(charges(31, 400), past, approved=YES)
    assert (len(outcome.passed), codes(outcome)) == (31, ["BRAKE-APPROVED"])
    assert len(run(charges(31, 400), past, approved=frozenset({"cashnet"})).passed) == 0
    past.said = outcome.findings
    assert codes(run(charges(31, 400), past, approved=YES)) == ["BRAKE-APPROVED"], "the disk was full: nothing went"
    past.said = ()
    assert codes(run(charges(31, 400), past, approved=YES)) == ["BRAKE-COUNT"], "what went out is no question any more"


def test_a_yes_is_for_what_was_asked_and_for_nothing_that_came_up_since() -> None:
    past = Past().nights(20)
    assert codes(run(charges(31, 400), past, approved=YES)) == ["BRAKE-COUNT"], "nobody was asked yet"
    past.said = run(charges(31, 400), past).findings
    assert codes(run(charges(32, 400), past, approved=YES)) == ["BRAKE-COUNT"], "those are other figures"
    past.rows = Past().nights(20, cents=3000).rows
    outcome = run(charges(31, 400), past, approved=YES)
    assert (codes(outcome), len(outcome.passed)) == (["BRAKE-COUNT", "BRAKE-SUM"], 0)
    old, new = [one.text for one in outcome.findings]
    assert "usually (3 times is the limit; 31 rows, 124.00; rows " in old
    assert old.endswith("); if that is right, say --approve peoplesoft")
    assert new.endswith("; the last run did not ask this; if it is right too, say --approve peoplesoft once more")
    past.said = outcome.findings
    assert codes(run(charges(31, 400), past, approved=YES)) == ["BRAKE-APPROVED", "BRAKE-APPROVED"]


def test_a_yes_to_large_fees_is_no_yes_to_another_of_the_same_amount() -> None:
    past, tonight = Past(), fees(("1001", 700000), ("1002", 600000))
    past.said = run(tonight, past).findings
    assert codes(run(fees(("1001", 700000), ("1003", 600000)), past, approved=YES)) == ["BRAKE-LARGEST"]
    other = tonight.assign(patron_id="001234568")
    assert codes(run(other, past, approved=YES)) == ["BRAKE-LARGEST"], "it is another person's debt by now"
    assert codes(run(tonight.iloc[::-1], past, approved=YES)) == ["BRAKE-APPROVED"]


def test_a_yes_to_a_whole_night_is_no_yes_to_as_many_other_rows_of_the_same_sum() -> None:
    held = charges(10, 1000).assign(known="", code="MOVED", why="x")
    for past, loaded, rows, box in (
        (Past(), campus("ask"), charges(2), None),
        (Past().nights(20), campus(), charges(31, 2000), None),
        (Past().nights(20, 39, 39000), campus(), charges(39), held),
    ):
        past.said = run(rows, past, loaded, held=box).findings
        swapped = rows.assign(fee_id=[*rows["fee_id"][:-1], "another"])
        assert set(codes(run(swapped, past, loaded, held=box, approved=YES))) == {one.code for one in past.said}
        assert set(codes(run(rows, past, loaded, held=box, approved=YES))) == {"BRAKE-APPROVED"}


def test_what_is_asked_of_the_same_rows_is_the_same_on_every_night() -> None:
    first = run(charges(1), Past().nights(3), campus("ask")).findings
    later = charges(1, version=2, file_sha="e" * 64, line=7, known="held", effective_date="2026-03-03")
    again = run(later, Past().nights(4), campus("ask"), today=TODAY + timedelta(days=1)).findings
    assert [one.text for one in again] == [one.text for one in first]


@pytest.mark.parametrize(("strange", "code"), [({"fee_type": "OTHER"}, "TYPE"), ({"patron_id": "A12"}, "SHAPE")])
def test_a_yes_to_one_strange_row_is_no_yes_to_29_others(strange: dict[str, Any], code: str) -> None:
    past = Past().nights(20)
    rows = pd.concat([charges(2), charges(1, **strange)], ignore_index=True)
    past.said = run(rows, past).findings
    assert " (1 row, 10.00; rows " in past.said[0].text
    assert codes(run(charges(30, **strange), past, approved=YES)) == [f"BRAKE-NEW-{code}"]
    assert codes(run(rows, past, approved=YES)) == ["BRAKE-APPROVED"]


def test_what_was_let_go_and_waited_for_another_question_is_not_asked_twice() -> None:
    past = Past().nights(20)
    past.said = run(charges(31, 400), past).findings
    snapshot = Finding("SNAPSHOT-SMALLER", "peoplesoft", "peoplesoft: the new snapshot has less")
    past.said = (*run(charges(31, 400), past, approved=YES).findings, snapshot)
    assert codes(run(charges(31, 400), past, approved=YES)) == ["BRAKE-APPROVED"]


def test_money_brakes_too_and_each_brake_is_a_question_of_its_own() -> None:
    assert codes(run(charges(3, 30000), Past().nights(20))) == ["BRAKE-SUM"]
    both = run(charges(31, 2000), Past().nights(20)).findings
    assert [one.code for one in both] == ["BRAKE-COUNT", "BRAKE-SUM"]
    assert "the sum is 620.00 against 100.00 usually" in both[1].text


def test_money_that_goes_back_counts_as_money() -> None:
    assert codes(run(charges(3, -30000, kind="credit"), Past().nights(20))) == ["BRAKE-SUM"]


def test_a_small_sum_never_brakes_however_many_rows() -> None:
    assert codes(run(charges(99, 101), Past().nights(20))) == []
    assert codes(run(charges(100, 101), Past().nights(20))) == ["BRAKE-COUNT"]


def test_the_same_week_of_last_year_may_be_as_large() -> None:
    past = Past()
    past.night(TODAY - timedelta(days=366), 25, 25000)
    past.nights(20)
    assert codes(run(charges(70), past)) == []
    assert "25 at most in the same week of last year" in run(charges(76), past).findings[0].text


def test_nights_without_anything_count_as_nights_and_make_the_usual_night_no_smaller() -> None:
    past = Past()
    for back in range(30, 0, -1):
        past.night(TODAY - timedelta(days=back), *((10, 10000) if back % 7 == 0 else (0, 0)))
    assert codes(run(charges(30), past, campus("ask"))) == []


def test_a_type_and_a_shape_never_sent_before_wait_once_there_is_something_to_compare_with() -> None:
    past = Past().nights(20)
    assert codes(run(charges(1, fee_type="OTHER"), past)) == ["BRAKE-NEW-TYPE"]
    assert codes(run(charges(1, patron_id="A12"), past)) == ["BRAKE-NEW-SHAPE"]
    assert "A99" in run(charges(1, patron_id="B77"), past).findings[0].text
    assert codes(run(charges(1, fee_type="OTHER", patron_id="A12"), Past().nights(19))) == []


def test_the_first_nights_ask_or_send_as_the_campus_says() -> None:
    asked = run(charges(1), Past().nights(19), campus("ask"))
    assert codes(asked) == ["BRAKE-FIRST-NIGHTS"]
    assert "fewer than 20 nights" in asked.findings[0].text
    assert codes(run(charges(1), Past().nights(19), campus("send"))) == []
    assert codes(run(charges(1), Past().nights(20), campus("ask"))) == []


def test_figures_of_today_and_of_other_systems_are_no_history() -> None:
    past = Past().nights(19)
    past.night(TODAY, 1, 1)
    past.rows += [((TODAY - timedelta(days=40)).isoformat(), "cashnet", "sent", 1, 1)]
    assert codes(run(charges(1), past, campus("ask"))) == ["BRAKE-FIRST-NIGHTS"]


def test_two_runs_of_one_date_are_one_night() -> None:
    past = Past().nights(19)
    past.night(TODAY - timedelta(days=1), 1, 1)
    assert codes(run(charges(1), past, campus("ask"))) == ["BRAKE-FIRST-NIGHTS"]


def test_one_line_above_the_limit_waits_on_the_first_night_too() -> None:
    outcome = run(charges(2, 500001), Past())
    assert codes(outcome) == ["BRAKE-LARGEST"]
    assert "above 5000.00: fee 0 of 5000.01, fee 1 of 5000.01 (2 rows, 10000.02; rows " in outcome.findings[0].text
    assert codes(run(charges(2, 500000), Past())) == []


def test_of_many_large_lines_the_five_largest_are_named_and_the_others_counted() -> None:
    rows = fees(*((str(number), number * 100000) for number in range(1, 13)))
    text = run(rows, Past()).findings[0].text
    assert "above 5000.00: fee 12 of 12000.00, fee 11 of 11000.00, " in text
    assert "fee 8 of 8000.00 and 2 more (7 rows, 63000.00; rows " in text


def test_a_large_share_held_stops_the_rest_of_that_output() -> None:
    held = charges(10, 1000).assign(known="", code="MOVED", why="x")
    assert codes(run(charges(39), Past().nights(20, 39, 39000), held=held)) == ["BRAKE-HELD-SHARE"]
    assert codes(run(charges(40), Past().nights(20, 39, 39000), held=held)) == []
    assert codes(run(charges(39), Past().nights(20, 39, 39000), held=held.assign(known="pending"))) == []


def test_a_share_that_was_held_is_asked_about_until_a_yes_or_till_it_is_held_no_more() -> None:
    held = charges(10, 1000).assign(known="", code="MOVED", why="x")
    past = Past().nights(20, 39, 39000, before=TODAY - timedelta(days=1))
    first = run(charges(39), past, held=held, today=TODAY - timedelta(days=1)).findings
    past.rows.append(((TODAY - timedelta(days=1)).isoformat(), "", "held", 10, 10000))
    again = run(charges(39), past, held=held.assign(known="held")).findings
    assert [one.text for one in again] == [one.text for one in first]
    assert codes(run(charges(39), past, held=held.head(4).assign(known="held"))) == []
    past.said = again
    assert codes(run(charges(39), past, held=held.assign(known="held"), approved=YES)) == ["BRAKE-APPROVED"]
    past.night(TODAY, 39, 39000)
    assert codes(run(charges(39), past, held=held.assign(known="held"), today=TODAY + timedelta(days=1))) == []


def test_a_night_that_was_held_whole_is_asked_about_when_the_first_of_its_rows_are_to_go() -> None:
    friday, sunday = TODAY - timedelta(days=3), TODAY - timedelta(days=1)
    held = charges(60, 1000).assign(known="", code="MOVED", why="x")
    past = Past().nights(20, 39, 39000, before=friday)
    assert codes(run(charges(0), past, held=held, today=friday)) == []
    past.rows.append((friday.isoformat(), "peoplesoft", "held", 60, 60000))
    past.night(friday, 0, 0)
    past.night(sunday, 0, 0)
    [asked] = run(charges(39), past, held=held.assign(known="held")).findings
    assert (asked.code, "60 rows" in asked.text) == ("BRAKE-HELD-SHARE", True)
    assert codes(run(charges(39), past)) == [], "they are held no more"
    past.night(TODAY, 39, 39000)
    assert codes(run(charges(39), past, held=held.assign(known="held"), today=TODAY + timedelta(days=1))) == []


def test_a_share_counts_what_is_held_since_the_output_went_last_and_nothing_older() -> None:
    held = charges(10, 1000).assign(known="held", code="MOVED", why="x")
    past = Past().nights(20, 39, 39000, before=TODAY - timedelta(days=1))
    past.rows.append(((TODAY - timedelta(days=1)).isoformat(), "peoplesoft", "held", 10, 10000))
    [finding] = run(charges(39), past, held=pd.concat([held] * 5)).findings
    assert "10 rows" in finding.text
    tonight = charges(2, 1000).assign(known="", code="MOVED", why="x")
    [finding] = run(charges(39), past, held=pd.concat([held, tonight])).findings
    assert "12 rows" in finding.text


def test_a_muted_brake_is_told_with_reason_and_end_and_only_that_one_is_off() -> None:
    mute = Mute(brake="count", until=TODAY, reason="start of term")
    outcome = run(charges(31, 400), Past().nights(20), campus(mutes=(mute,)))
    assert (codes(outcome), len(outcome.passed)) == (["BRAKE-MUTED"], 31)
    assert "start of term" in outcome.findings[0].text
    assert TODAY.isoformat() in outcome.findings[0].text
    assert codes(run(charges(31, 4000), Past().nights(20), campus(mutes=(mute,)))) == ["BRAKE-MUTED", "BRAKE-SUM"]
    late = campus(mutes=(mute.model_copy(update={"until": TODAY - timedelta(days=1)}),))
    assert codes(run(charges(31, 400), Past().nights(20), late)) == ["BRAKE-COUNT"]
    assert codes(run(charges(1), Past().nights(20), campus(mutes=(mute,)))) == []


def test_a_preview_brakes_nothing_and_names_what_it_did_not_ask() -> None:
    outcome = run(charges(31, 600000), Past(), campus("ask"), run=SimpleNamespace(command="preview"))
    assert len(outcome.passed) == 31
    assert codes(outcome) == ["BRAKE-SKIPPED", "BRAKE-LARGE-LINE"]
    assert not any(finding.stops for finding in outcome.findings)
    assert all(name in outcome.findings[0].text for name in BRAKES if name != "largest")


def test_a_preview_tells_a_muted_large_line_as_muted() -> None:
    loaded = campus(mutes=(Mute(brake="largest", until=TODAY, reason="a lost manuscript"),))
    outcome = run(charges(1, 600000), Past(), loaded, run=SimpleNamespace(command="preview"))
    assert codes(outcome) == ["BRAKE-SKIPPED", "BRAKE-MUTED"]


def test_a_night_without_rows_has_nothing_to_brake() -> None:
    assert run(tables.MOVEMENTS.empty(), Past(), campus("ask")).findings == ()


@pytest.mark.parametrize("name", BRAKES)
def test_every_brake_can_be_muted_by_its_name(name: Any) -> None:
    assert Mute(brake=name, until=TODAY, reason="test").brake == name
