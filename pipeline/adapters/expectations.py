"""The second opinion: whole tables are checked by Great Expectations, in a second process, while the night goes on.

The library takes two seconds to load and more memory than the rest of the night together, so it is loaded in a
process of its own as early as possible.  Tables go there through a pipe, so no file is ever left lying about; counts
and our own ids come back.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import queue
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from pipeline.adapters import suites, validation
from pipeline.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

ROWS_A_PIECE = 65536
"""A table travels in pieces of so many rows, so that no side holds it twice."""

PATIENCE = 300.0
"""Seconds to wait for all answers.  A million fees take ten."""


@dataclass(frozen=True, slots=True)
class Question:
    """A table that was handed over for a check."""

    suite: str
    subject: str


class GreatExpectations:
    """Implements ports.outside.SecondOpinion.  Make it early, and close it (or use it in a ``with``).

    ``timeout_seconds`` bounds ``answers()`` as a whole; ``suite_folder`` is for suites other than the product's own.
    A process that dies, hangs or cannot load the library gives GX-UNANSWERED, a stop, for all that it was asked.
    """

    def __init__(self, *, timeout_seconds: float = PATIENCE, suite_folder: Path | None = None) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=validation.serve, args=(theirs,), name="second opinion", daemon=True)
        self._process.start()
        theirs.close()
        self._timeout_seconds = timeout_seconds
        self._suite_folder = suite_folder
        self._asked: list[Question] = []
        self._found: list[Finding] = []
        self._lost = ""
        self._parcels: queue.SimpleQueue[Iterator[Any] | None] = queue.SimpleQueue()
        # While the library loads nobody reads the pipe; without this thread the night would wait for it.
        self._sender = threading.Thread(target=self._send, name="second opinion", daemon=True)
        self._sender.start()

    @property
    def pid(self) -> int:
        """The number of the second process, for whoever measures or ends it."""
        return self._process.pid or 0

    def ask(self, suite: str, subject: str, frame: pd.DataFrame) -> None:
        """Hand over the columns of ``frame`` that the suite needs.  Returns at once; ``frame`` may change after."""
        try:
            parcel = _parcel(suites.load(suite, self._suite_folder), subject, frame)
        except (ValueError, TypeError) as error:
            # Only our own words: what pyarrow says of a cell it cannot take would hold the cell.
            why = str(error) if isinstance(error, suites.SuiteError) else "the table cannot be handed over"
            self._found.append(suites.unanswered(subject, suite, why))
            return
        self._asked.append(Question(suite, subject))
        self._parcels.put(parcel)

    def answers(self) -> list[Finding]:
        """Wait for every question asked since the last call, and give what was found, in the order of asking."""
        deadline = time.monotonic() + self._timeout_seconds
        for question in self._asked:
            self._found += self._answer(question, deadline)
        found, self._found, self._asked = self._found, [], []
        return found

    def close(self) -> None:
        """End the second process, whatever it is doing: it holds nothing that could be lost."""
        self._parcels.put(None)
        self._process.kill()
        self._process.join()
        self._sender.join()
        self._pipe.close()

    def __enter__(self) -> Self:
        """Nothing is opened here: the second process runs since the object was made."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _send(self) -> None:
        while (parcel := self._parcels.get()) is not None:
            # If the process is gone, answers() will find that out and say so.
            with contextlib.suppress(OSError):
                for piece in parcel:
                    self._pipe.send_bytes(piece)

    def _answer(self, question: Question, deadline: float) -> list[Finding]:
        if not self._lost:
            try:
                if self._pipe.poll(max(0.0, deadline - time.monotonic())):
                    return [Finding(*fields) for fields in json.loads(self._pipe.recv_bytes())]
                self._lost = f"no answer within {self._timeout_seconds:g} seconds"
            except (EOFError, OSError):
                self._lost = "its process came to an end"
            self._process.kill()
        return [suites.unanswered(question.subject, question.suite, self._lost)]


def _parcel(suite: suites.Suite, subject: str, frame: pd.DataFrame) -> Iterator[Any]:
    """Take the columns needed as they are now; the pieces are cut when they are sent."""
    import pyarrow as pa

    # A copy, for Arrow would go on sharing the numbers with the night; text it cannot change, so that costs nothing.
    needed = frame[[column for column in suite.columns if column in frame.columns]].copy()
    table = pa.Table.from_pandas(needed, preserve_index=False)
    batches = table.to_batches(max_chunksize=ROWS_A_PIECE)
    order = {
        "suite": {"name": suite.name, "ids": suite.ids, "expectations": suite.expectations},
        "subject": subject,
        "pieces": len(batches),
    }
    head = json.dumps(order).encode()

    def pieces() -> Iterator[Any]:
        yield head
        yield table.schema.serialize()
        yield from (batch.serialize() for batch in batches)

    return pieces()
