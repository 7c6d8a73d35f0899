"""One line of the books: both sides of an equation at a stage."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.money import Tally


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the books: what stands left and right of an equation at a stage."""

    stage: str
    what: str
    left: Tally
    right: Tally

    @property
    def balanced(self) -> bool:
        """Whether both sides are the same, in rows and in cents."""
        return self.left == self.right

    def __str__(self) -> str:
        """For people: the stage, both sides and the difference in rows and cents."""
        lost = self.left - self.right
        return (
            f"{self.stage}: {self.what}: {self.left} against {self.right}: "
            f"{abs(lost.count)} rows and {abs(lost.cents)} cents {'missing' if lost > Tally() else 'too many'}"
        )
