"""What is asked about an output before it goes, and what a yes is for: what the last run asked, figure for figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.campus.approvals import ANYTHING, yes_to
from pipeline.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pipeline.flow.runner import Work

BRAKES = {
    "first_nights": "BRAKE-FIRST-NIGHTS",
    "largest": "BRAKE-LARGEST",
    "count": "BRAKE-COUNT",
    "sum": "BRAKE-SUM",
    "held_share": "BRAKE-HELD-SHARE",
    "new_type": "BRAKE-NEW-TYPE",
    "new_shape": "BRAKE-NEW-SHAPE",
}
"""Every brake, in the order in which it is told."""

SMALLER = "SNAPSHOT-SMALLER"

GOES = {**dict.fromkeys(BRAKES.values(), "BRAKE-APPROVED"), SMALLER: "SNAPSHOT-APPROVED"}
"""By the code of every question about an output, how it is told that a person said yes."""


@dataclass(frozen=True)
class Question:
    """One thing about the output of a system that takes a person, its figures in words, and the stage that asks."""

    code: str
    system: str
    figures: str
    stage: str

    @property
    def waits(self) -> Finding:
        """Ask, and say what to type."""
        return self._asked(f"if that is right, say --approve {self.system}")

    @property
    def came_since(self) -> Finding:
        """Ask, where a yes was said that cannot have meant this."""
        return self._asked(f"the last run did not ask this; if it is right too, say --approve {self.system} once more")

    @property
    def goes(self) -> Finding:
        """Say that a person said yes to just this."""
        text = f"{self.system}: approved for this run: {self.figures}"
        return Finding(GOES[self.code], self.system, text, self.stage)

    def _asked(self, what_to_do: str) -> Finding:
        return Finding(self.code, self.system, f"{self.system}: {self.figures}; {what_to_do}", self.stage)


@dataclass(frozen=True)
class Yes:
    """Whether a person says yes to what goes out to a system, and what the last run said of it, word for word."""

    said: bool
    asked: Collection[str]

    def answers(self, question: Question) -> bool:
        """Whether this is what was asked: the same thing with the same figures."""
        told = (question.waits.text, question.came_since.text, question.goes.text)
        return self.said and (ANYTHING in self.asked or any(text in self.asked for text in told))


def yes_of(work: Work, system: str) -> Yes:
    """Give the yes of tonight to what goes out to a system.

    What was let go in a run whose output did not go all the same (another question, a full disk) need not be asked
    again; once an output went, or a night had nothing to ask about it, a yes is for none of what was asked before.
    """
    if yes_to(system, ANYTHING) in work.approved:
        return Yes(said=True, asked=[ANYTHING])
    if system not in work.approved:
        return Yes(said=False, asked=[])
    last = work.ledger.said_last(system, {*GOES, *GOES.values()})
    return Yes(said=True, asked=[one.text for one in last])


def told(questions: Sequence[Question], yes: Yes) -> list[Finding]:
    """Tell each question; if the yes is not for all of them, all of them are asked, for nothing goes out."""
    if all(yes.answers(one) for one in questions):
        return [one.goes for one in questions]
    return [one.came_since if yes.said and not yes.answers(one) else one.waits for one in questions]
