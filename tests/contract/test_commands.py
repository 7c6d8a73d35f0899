"""The commands whose output is a contract, run as a person runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import __version__
from tests.nights import Nights, export
from tests.samples import CAMPUS

if TYPE_CHECKING:
    from pathlib import Path

BOXES = ("held", "waiting", "excluded", "unchanged", "duplicate")
LOOK = """
import sys
sys.argv = ["bursar", *{arguments!r}]
from pipeline.cli import main
try:
    main()
except SystemExit as left:
    assert left.code in (0, None), left.code
heavy = {{"pandas", "numpy", "great_expectations", "paramiko", "openpyxl"}} & set(sys.modules)
assert not heavy, heavy
"""


def bursar(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def preview(out: Path, *files: Path) -> tuple[int, dict[str, Any]]:
    done = bursar(
        "preview", *files, "--campus", CAMPUS, "--out", out, "--date", "2026-01-06", "--json", "--no-second-opinion"
    )
    assert "Traceback" not in done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, told


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_preview_puts_every_fee_into_a_file_or_a_box_and_says_so(tmp_path: Path) -> None:
    euro = {"fee_id": "1002", "currency": "EUR", "amount_text": "7"}
    path = written(tmp_path, "a.xml", export({}, {"fee_id": "1001"}, euro, {"fee_id": "1003", "amount_text": "1e2"}))
    code, told = preview(tmp_path / "out", path)
    assert code == 1
    assert told["date"] == "2026-01-06"
    assert told["read"] == {"count": 4, "cents": 2500}
    assert told["duplicate"] == {"count": 1, "cents": 1250}
    assert told["held"]["other_currency"] == {"EUR": {"count": 1, "cents": 700}}
    assert told["held"]["by_code"] == {
        "NORMALISE-OTHER-CURRENCY": {"count": 1, "cents": 0},
        "READ-UNREADABLE": {"count": 1, "cents": 0},
    }
    sent = told["sent"]["peoplesoft/charges"]
    assert (sent["count"], sent["cents"]) == (1, 1250)
    assert [(tmp_path / "out" / name).name for name in sent["files"]] == ["PREVIEW_LIB_charges_20260106_0001.dat"]
    assert all((tmp_path / "out" / name).is_file() for name in sent["files"])
    assert told["balanced"] is True
    assert told["refused"] == []


def test_preview_is_0_when_nothing_is_held_and_2_when_a_file_is_refused_and_the_others_go_on(tmp_path: Path) -> None:
    good = written(tmp_path, "good.xml", export({}))
    assert preview(tmp_path / "one", good)[0] == 0
    bad = written(tmp_path, "bad.xml", export({"fee_id": "7"})[:-30])
    code, told = preview(tmp_path / "two", bad, good, tmp_path / "missing.xml")
    assert code == 2
    assert sorted(one["code"] for one in told["refused"]) == ["FILE-MISSING", "FILE-NOT-WHOLE"]
    assert told["read"]["count"] == 1
    assert told["balanced"] is True


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    path = written(tmp_path, "a.xml", export({}, {"fee_id": "1002", "patron_id": "guest"}))
    told = [preview(tmp_path / name, path)[1] for name in ("once", "again")]
    assert told[0] == told[1]
    for output in told[0]["sent"].values():
        for name in output["files"]:
            assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_the_same_file_twice_is_read_twice_and_charged_once(tmp_path: Path) -> None:
    path = written(tmp_path, "a.xml", export({}))
    code, told = preview(tmp_path / "out", path, path)
    assert (code, told["read"]["count"], told["duplicate"]["count"]) == (0, 2, 1)
    assert sum(told[box]["count"] for box in BOXES) + 1 == 2


def test_read_gives_money_in_positive_and_money_going_back_negative(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "paid.csv",
        "Emplid,Date Paid,Reference Number,Charge Amount,Paid Amount,Item Type,Charge Description\n"
        "001234567,01/05/2026,1001,12.50,5.00,300000007000,Overdue fine\n"
        "001234567,01/06/2026,1001,12.50,-5.00,300000007000,Overdue fine\n",
    )
    done = bursar("read", path, "--layout", "peoplesoft/paid", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 0
    assert [(row["kind"], row["amount_cents"], row["patron_id"]) for row in told["rows"]] == [
        ("sale", 500, "001234567"),
        ("reversal", -500, "001234567"),
    ]
    assert told["totals"]["cents"] == 0


@pytest.mark.parametrize(
    ("text", "code"),
    [("Emplid,Date Paid,Reference Number,Paid Amount\n1,01/05/2026,7,$5\n", 1), ("nonsense", 2), ("", 2)],
)
def test_read_is_1_for_an_unreadable_row_and_2_for_a_refused_file(tmp_path: Path, text: str, code: int) -> None:
    done = bursar("read", written(tmp_path, "paid.csv", text), "--layout", "peoplesoft/paid", "--json")
    assert done.returncode == code
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("preview", "x.xml", "--campus", "nowhere.toml", "--out", "out"),
        ("read", "nowhere.csv", "--layout", "peoplesoft/paid"),
        ("read", "nowhere.csv", "--layout", "no/such"),
        ("layouts", "show", "no/such"),
        ("night", "--campus", "nowhere.toml"),
        ("status", "--campus", "nowhere.toml"),
    ],
)
def test_a_mistake_is_one_line_that_says_where(arguments: tuple[str, ...]) -> None:
    done = bursar(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert any(name in done.stderr for name in ("nowhere", "no/such"))


def test_help_plan_status_and_explain_load_nothing_heavy(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {})
    nights.night(1)
    campus = str(nights.campus_file)
    for arguments in (["--help"], ["plan"], ["status", "--campus", campus], ["explain", "1001", "--campus", campus]):
        done = subprocess.run(
            [sys.executable, "-c", LOOK.format(arguments=arguments)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout


def test_explain_tells_a_fees_life_and_what_comes_next(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {}, {"fee_id": "1002", "fee_type": "NEW_TYPE"})
    nights.night(1)
    sent = bursar("explain", "1001", "--campus", nights.campus_file).stdout
    assert "LIB_charges_20260105_0001.dat" in sent
    assert sent.strip().splitlines()[-1].startswith("fee 1001 is charged: next: ")
    held = bursar("explain", "1002", "--campus", nights.campus_file).stdout
    assert "add one line for it under fee_types" in held.strip().splitlines()[-1]
    assert bursar("explain", "9999", "--campus", nights.campus_file).returncode == 1


def test_it_says_which_version_it_is() -> None:
    done = bursar("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"bursar {__version__}\n", "")


@pytest.mark.parametrize(
    ("said", "tells"),
    [
        (["nonsense"], "no such command 'nonsense'; `bursar --help` says what it takes"),
        (["--bogus"], "no such option: --bogus; "),
        (["explain", "--campus", "x.toml"], "explain: missing argument 'name'; `bursar explain --help`"),
        (["night", "--campus"], "option '--campus' requires an argument; "),
        (["night", "--campus", "x.toml", "--date", "5.1."], "night: invalid value for '--date': '5.1.' does not match"),
        (["layouts", "nonsense"], "layouts: no such command 'nonsense'; "),
    ],
)
def test_a_line_that_is_typed_wrong_is_told_in_one_line(said: list[str], tells: str) -> None:
    done = bursar(*said)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("bursar")
    assert tells in done.stderr


@pytest.mark.parametrize("said", [[], ["sandbox"]])
def test_a_command_that_is_typed_alone_shows_what_it_takes(said: list[str]) -> None:
    done = bursar(*said)
    assert (done.returncode, done.stderr) == (2, "")
    assert "Usage:" in done.stdout
