"""Runs a suite over a table with Great Expectations, and serves as the second process that does nothing else.

This is the only module that imports the library.  It runs wholly in memory: no folder, no cloud, no telemetry.
"""

from __future__ import annotations

import contextlib
import json
import logging
import multiprocessing
import os
import signal
import threading
import warnings
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from pipeline.adapters import suites
from pipeline.adapters.suites import Answer, Suite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    import pandas as pd

    from pipeline.findings import Finding


def run_suite(frame: pd.DataFrame, suite: Suite, subject: str) -> list[Finding]:
    """Check a table in this very process: a finding for each expectation that does not hold, in the suite's order.

    Whatever cannot be checked (a column is missing, the library fails) gives GX-UNANSWERED.
    """
    absent = [column for column in suite.columns if column not in frame.columns]
    if absent:
        return [suites.unanswered(subject, suite.name, f"the table has no column {', '.join(absent)}")]
    # Row labels must be unique, or the rows that fail cannot be told apart.
    frame = frame.reset_index(drop=True)
    try:
        answers = {answer.rule: answer for answer in _validate(frame, suite)}
    except Exception as error:  # noqa: BLE001 - whatever breaks in there, the output must not leave unchecked
        why = f"Great Expectations broke off ({type(error).__name__})"
        return [suites.unanswered(subject, suite.name, why)]
    return suites.findings(suite, subject, frame, answers)


def _library() -> Any:  # noqa: ANN401 - the library's own module
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations

    return great_expectations


def _validate(frame: pd.DataFrame, suite: Suite) -> Iterator[Answer]:
    gx = _library()
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    # The mode is named so that no cloud setting in the environment can matter.
    context = gx.get_context(mode="ephemeral", project_config=config)
    table = context.data_sources.add_pandas("tables").add_dataframe_asset(suite.name)
    checks = gx.ExpectationSuite(name=suite.name, expectations=[dict(one) for one in suite.expectations])
    definition = gx.ValidationDefinition(
        name=suite.name,
        data=table.add_batch_definition_whole_dataframe("all"),
        suite=context.suites.add(checks),
    )
    run = context.validation_definitions.add(definition).run(
        batch_parameters={"dataframe": frame}, result_format={"result_format": "COMPLETE"}
    )
    yield from map(answer_of, run.results)


def answer_of(result: Any) -> Answer:  # noqa: ANN401 - the library's own record
    """Keep counts and row numbers; the values found stay behind, for they are about people.

    An expectation that broke off is known by having no result, or by its exceptions, which are then listed per metric
    instead of in one plain record.
    """
    detail, exceptions = result.result or {}, result.exception_info or {}
    observed = detail.get("observed_value")
    return Answer(
        rule=result.expectation_config.meta["rule"],
        raised=exceptions.get("raised_exception") is not False or not detail,
        success=bool(result.success),
        observed=int(observed) if isinstance(observed, int) else None,
        failing=int(detail["unexpected_count"]) if "unexpected_count" in detail else None,
        missing=int(detail.get("missing_count") or 0),
        rows=[int(row) for row in detail.get("unexpected_index_list") or ()],
    )


def serve(pipe: Connection) -> None:
    """Answer questions that come through ``pipe`` until nobody holds its other end; the second process's whole life.

    A question is its suite and subject as JSON, the table's schema, and the table in so many pieces.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the night, which then ends this process
    threading.Thread(target=_end_with_the_night, daemon=True).start()
    # The library's own log and warnings may quote cells of the table.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    with contextlib.suppress(ImportError):  # if the library is not there, each question is answered by saying so
        _library()
        _progress_without_semaphores()
    with contextlib.suppress(EOFError, OSError):
        while True:
            found = _reply(pipe)
            pipe.send_bytes(json.dumps([astuple(finding) for finding in found]).encode())


def _progress_without_semaphores() -> None:
    """The library's progress bars are off, yet make a system-wide semaphore, which would outlive a killed process."""
    from great_expectations.validator.validation_graph import tqdm  # type: ignore[attr-defined]

    tqdm.set_lock(threading.RLock())


def _reply(pipe: Connection) -> list[Finding]:
    order = json.loads(pipe.recv_bytes())
    frame = _receive(pipe, order["pieces"])
    return run_suite(frame, Suite(**order["suite"]), order["subject"])


def _receive(pipe: Connection, pieces: int) -> pd.DataFrame:
    import pyarrow as pa

    schema = pa.ipc.read_schema(pa.py_buffer(pipe.recv_bytes()))
    batches = [pa.ipc.read_record_batch(pa.py_buffer(pipe.recv_bytes()), schema) for _ in range(pieces)]
    frame: pd.DataFrame = pa.Table.from_batches(batches, schema).to_pandas()
    return frame


def _end_with_the_night() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
