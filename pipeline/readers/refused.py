"""A file that is not read at all, because a part of it could pass for the whole."""

from __future__ import annotations

EMPTY = "FILE-EMPTY"
NOT_WHOLE = "FILE-NOT-WHOLE"
WRONG_KIND = "FILE-WRONG-KIND"
DOCTYPE = "FILE-DOCTYPE"
TOO_DEEP = "FILE-TOO-DEEP"
TOO_LONG = "FILE-TEXT-TOO-LONG"
TOO_LARGE = "FILE-TOO-LARGE"
NOT_READABLE = "FILE-NOT-READABLE"
ENCODING = "FILE-ENCODING"
COLUMNS = "REPORT-COLUMNS"
ROW_LIMIT = "REPORT-ROW-LIMIT"
AS_OF = "REPORT-AS-OF"


class RefusedFileError(Exception):
    """Nothing of the file may be used, not even what was read before the fault showed.

    ``code`` is one of this module and stands in the catalogue of findings.  The text is one line for people: file,
    line where it is known, what is wrong, what to do.
    """

    def __init__(self, code: str, text: str) -> None:
        """Keep the code beside the text."""
        super().__init__(text)
        self.code = code
