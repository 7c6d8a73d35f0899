"""Why a row cannot be read, without what stands in it: in a wrong column that may be somebody's name.

`bursar read` shows the row itself to who has the file; what is kept, printed and mailed says no more than this.
"""

from __future__ import annotations

import re

QUOTED = re.compile(r"""(\b(?:not|or) )?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")
"""A cell as a reason quotes it; what a layout expects stands after ``not`` or ``or``."""

LETTERS = re.compile(r"[^\W\d_]")
UNRULED = re.compile(r"no rule says what .* is")
MONEY = re.compile(r"the money is in (?![A-Z]{3},).*, not in")

FEW = 1
"""So many letters are nobody's name."""


def discreet(why: str) -> str:
    """Give a reason with every quoted text that has letters told by their number alone."""
    said = QUOTED.sub(_counted, why)
    said = UNRULED.sub("no rule says what such a row is", said)
    return MONEY.sub("the money is in another currency, not in", said)


def _counted(quoted: re.Match[str]) -> str:
    letters = len(LETTERS.findall(quoted[0]))
    return quoted[0] if quoted[1] or letters <= FEW else f"a text ({letters} letters)"
