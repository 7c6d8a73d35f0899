"""Opening the ledger: what was written stays, what is not ours is refused, and campuses do not meet."""

from __future__ import annotations

import hashlib
import sqlite3
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_mock_engine, event, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateTable

from pipeline.adapters.ledger import SqlLedger, open_ledger
from pipeline.adapters.ledger.schema import METADATA, VERSION, guard_on_a_server, meta
from pipeline.ports.ledger import Figure, LedgerError, PaymentState, PostingState, UploadState, Word
from tests.contract.ledger_kit import (
    MONDAY,
    NOON,
    PAID,
    asked,
    begun,
    booking,
    charging,
    fee,
    later,
    payment,
    placed,
    task,
)

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection
    from sqlalchemy.schema import ExecutableDDLElement

TABLES_OF_VERSION = {3: "29aec2d5a2fdede02b4bd3740a9fa405abb58cb5639d1bdfd4610ed70b25f7df"}


def a_whole_life(ledger: SqlLedger) -> None:
    run = begun(ledger)
    ledger.book(run, charging(fee("F1"), fee("F2", 250)), NOON)
    ledger.book(run, booking([fee("F3", 75, "held")], figures=[Figure("alma", "read", 3, 1325)]), NOON)
    ledger.approve_fee(asked("F3", 1), "F1", "kim", "returned", later(1))
    ledger.move_upload(ledger.uploads()[0], UploadState.UPLOADING, "as .abc.part", later(1))
    ledger.enter_payments(run, PAID, [payment("K1")], [], later(2))
    placed(ledger, payment("K1"), at=later(3))
    ledger.move_posting(ledger.postings(PostingState.READY)[0], PostingState.SENDING, later(3), attempts=1)
    ledger.open_task(task(payment("K1")), later(3))
    ledger.say(Word("K1", "reject", "kim", "not ours", later(3)))


def seen(ledger: SqlLedger) -> tuple[object, ...]:
    return (
        ledger.opened_at(),
        ledger.runs(9),
        ledger.standing(),
        ledger.uploads(),
        ledger.postings(PostingState.SENDING),
        ledger.pending_fees().to_dict("list"),
        ledger.story("F1"),
        ledger.held_rows(),
        ledger.payments_in(PaymentState.ALLOCATED),
        ledger.tasks(),
        ledger.said("K1"),
        ledger.named("900000001"),
    )


def test_everything_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state/ledger.db"
    with open_ledger(url, "chico", "train") as ledger:
        a_whole_life(ledger)
        before = seen(ledger)
    with open_ledger(url, "chico", "train") as again:
        assert seen(again) == before
        assert again.begin_run("night", MONDAY, "c" * 64, later(24)).number == 2


def test_campuses_and_environments_share_a_database_and_nothing_else(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    places = [("chico", "train"), ("chico", "production"), ("fresno", "train")]
    for place in places:
        with open_ledger(url, *place) as ledger:
            assert not ledger.is_open()
            assert ledger.file(PAID) is None
            a_whole_life(ledger)
    for place in places:
        with open_ledger(url, *place) as ledger:
            assert ledger.standing()["fees"] == {"charged": (2, 1250), "held": (1, 75)}
            assert ledger.standing()["payments"] == {"allocated": (1, 1000)}
            assert len(ledger.uploads()) == len(ledger.runs(9)) == len(ledger.postings(PostingState.SENDING)) == 1
            assert ledger.known_fees("alma", ["F1"])["fee_id"].tolist() == ["F1"]
            assert len(ledger.open_items("peoplesoft")) == len(ledger.tasks()) == 1
            assert ledger.said("K1") is not None
            seen = (ledger.positions("alma"), ledger.charges_of(["900000001"]), ledger.recent(["900000001"], MONDAY))
            assert [frame["fee_id"].tolist() for frame in seen] == [["F1", "F2"]] * 3
            assert [len(frame) for frame in (ledger.receipts("alma"), ledger.decisions(), ledger.figures(MONDAY))] == [
                1,
                1,
                1,
            ]
            assert [left for _, left, right in ledger.sums() if left != right] == []
            assert list(ledger.verify_audit()) == []


def test_a_ledger_of_another_version_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    with open_ledger(url, "chico", "train") as ledger, ledger.store.engine.begin() as connection:
        connection.execute(update(meta).values(value=VERSION + 1))
    with pytest.raises(LedgerError, match=r"ledger\.db.*version 4.*newer bursar"):
        open_ledger(url, "chico", "train")


def test_a_ledger_from_before_payments_had_shares_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    with open_ledger(url, "chico", "train") as ledger, ledger.store.engine.begin() as connection:
        connection.execute(update(meta).values(value=2))
    with pytest.raises(LedgerError, match=r"ledger\.db.*version 2.*knows 3; use the bursar that made it"):
        open_ledger(url, "chico", "train")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("no url at all", "names no database"),
        ("oracle9://host/name", "names no database"),
        ("sqlite:///{folder}/readme.txt", "not a database"),
        ("sqlite:///{folder}", "unable to open database file"),
        ("sqlite:////proc/none/ledger.db", "see that our account"),
    ],
)
def test_what_is_no_ledger_is_refused_in_one_line(tmp_path: Path, url: str, says: str) -> None:
    (tmp_path / "readme.txt").write_text("This is a text that somebody put here, and no database.\n" * 40)
    with pytest.raises(LedgerError) as refused:
        open_ledger(url.format(folder=tmp_path), "chico", "train")
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_password_in_the_url_is_never_told() -> None:
    with pytest.raises(LedgerError) as refused:
        open_ledger("mysql+nothing://bursar:hunter2@host/ledger", "chico", "train")
    assert "hunter2" not in str(refused.value)


def test_only_our_account_can_read_it(tmp_path: Path) -> None:
    with open_ledger(f"sqlite:///{tmp_path}/state/ledger.db", "chico", "train") as ledger:
        begun(ledger)
        for path in (tmp_path / "state").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_it_is_careful_with_money(tmp_path: Path) -> None:
    said: list[str] = []

    def listen(_connection: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        said.append(statement)

    with open_ledger(f"sqlite:///{tmp_path}/ledger.db", "chico", "train") as ledger:
        with ledger.store.engine.connect() as connection:
            pragmas = ("journal_mode", "synchronous", "foreign_keys")
            settings = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas]
        event.listen(ledger.store.engine, "before_cursor_execute", listen)
        ledger.open_empty("pat", NOON)
        ledger.is_open()
    assert settings == ["wal", 2, 1]
    assert [line for line in said if line.startswith("BEGIN")] == ["BEGIN IMMEDIATE", "BEGIN"]


def test_a_full_disk_is_told_in_one_line_and_changes_nothing(tmp_path: Path) -> None:
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db", "chico", "train") as ledger:
        run = begun(ledger)
        with ledger.store.engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        many = [fee(f"F{number}", state="held") for number in range(2000)]
        with pytest.raises(LedgerError, match=r"ledger\.db: database or disk is full; nothing was changed"):
            ledger.book(run, booking(many), NOON)
        assert ledger.standing()["fees"] == {}


OPEN = """
import sys
from datetime import UTC, datetime
from pipeline.adapters.ledger import open_ledger
with open_ledger(sys.argv[1], sys.argv[2], "train") as ledger:
    ledger.open_empty("pat", datetime.now(UTC))
"""


def test_programs_that_open_it_at_the_same_moment_all_find_it_made_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    started = [subprocess.Popen([sys.executable, "-c", OPEN, url, f"campus{number % 2}"]) for number in range(4)]
    assert [process.wait(60) for process in started] == [0, 0, 0, 0]
    with sqlite3.connect(tmp_path / "ledger.db") as raw:
        rows = raw.execute("SELECT campus, seq FROM ledgers ORDER BY campus").fetchall()
    raw.close()
    assert rows == [("campus0", 1), ("campus1", 1)]


READ = """
import sys
from datetime import UTC, datetime
from pipeline.adapters.ledger import open_ledger
with open_ledger(sys.argv[1], "chico", "train") as ledger:
    assert ledger.story("F1") and ledger.held_rows() and ledger.standing()
    assert ledger.fee_record("F1") and ledger.runs(3) and ledger.uploads() and ledger.sums()
    assert ledger.named("K1") and ledger.tasks() and ledger.said("K1") and ledger.charged("peoplesoft", "F1")
    assert not ledger.paid_since(datetime.now(UTC)) and ledger.postings_of("K1") and ledger.known_payments(["K1"])
heavy = {"pandas", "numpy", "pyarrow", "great_expectations", "paramiko", "pydantic", "httpx2"} & set(sys.modules)
sys.exit(f"loaded {heavy}" if heavy else 0)
"""


def test_status_and_explain_load_nothing_heavy(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    with open_ledger(url, "chico", "train") as ledger:
        a_whole_life(ledger)
    done = subprocess.run([sys.executable, "-c", READ, url], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_whoever_changes_a_table_gives_it_a_new_version() -> None:
    made = [str(CreateTable(table).compile(dialect=sqlite.dialect())) for table in METADATA.sorted_tables]
    sha = hashlib.sha256("".join(made).encode()).hexdigest()
    assert {VERSION: sha} == TABLES_OF_VERSION


def test_a_server_would_make_the_same_tables_and_guards() -> None:
    guard_on_a_server()
    made: list[str] = []
    engine = create_mock_engine("postgresql+psycopg://", lambda part, *_given: made.append(written(part)))
    METADATA.create_all(engine, checkfirst=False)
    everything = " ".join(made)
    assert "amount_cents BIGINT NOT NULL" in everything
    assert "WHERE live = true AND carried = false" in everything
    assert "WHERE kind = 'charge'" in everything
    assert "WHERE live = true" in everything
    assert "WHERE payment_key IS NOT NULL" in everything


def written(part: ExecutableDDLElement) -> str:
    return str(part.compile(dialect=postgresql.dialect())).replace("\n", " ")  # type: ignore[no-untyped-call]
