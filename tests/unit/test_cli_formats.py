"""``bursar read`` and ``bursar layouts try``: what a person sees of a file that came back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from pipeline.campus.written import CampusError
from pipeline.cli import formats
from pipeline.cli.app import app
from pipeline.files import resource
from tests.unit.layout_rows import GOLDEN

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = GOLDEN / "returned"


def test_trying_a_file_tells_what_each_row_becomes_and_what_they_add_up_to(capsys: pytest.CaptureFixture[str]) -> None:
    assert formats.attempt(FOLDER / "paypal_stl.csv", "paypal/stl") == 2
    said = capsys.readouterr().out.splitlines()
    first = "line 5: sale 92.50  2026-02-03  receipt 1AA00000000000001"
    back = "line 12: refund -12.50  2026-02-03  receipt 1AA00000000000008"
    euros = "line 19: sale 0.00  2026-02-03  receipt 1AA00000000000015"
    for line in (
        f"{first}  pays 2345678901230001121 12.50 and 2345678901240001121 80.00",
        f"{back}  pays LF-20260105-0007  takes back 1AA00000000000090",
        f"{euros}  pays 2345678901280001121  UNREADABLE: the money is in EUR, not in USD",
        "refund: 2 rows, -25.00",
        "reversal: 1 row, -7.00",
        "all: 26 rows, -0.54; 4 cannot be read",
        "the file says of itself: 26 rows, -0.47",
        "it covers: 2026-02-03 to 2026-02-03",
        "not known to the layout: Horoscope",
        "not known to the layout: Transaction Event Code T7777",
    ):
        assert line in said


def test_a_file_of_which_all_can_be_read_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert formats.attempt(FOLDER / "bursar_patron_total_no_dates.csv", "bursar/patron_total") == 0
    said = capsys.readouterr().out
    assert "line 2: sale 12.50  patron 001234567\n" in said
    assert "the file says of itself: nothing" in said
    assert "it covers" not in said


def test_a_file_that_is_refused_is_one_line_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "paid.csv"
    path.write_bytes(b"ID,Amount\n1,2")
    assert formats.attempt(path, "bursar/patron_total") == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"{path}: LAYOUT-CUT: line 2: the file ends in the middle of a line; ask for it again\n"


def test_what_is_read_as_json_says_null_for_a_line_that_names_several_fees(capsys: pytest.CaptureFixture[str]) -> None:
    assert formats.read(FOLDER / "paypal_stl_part_two.csv", "paypal/stl", as_json=True) == 0
    assert [row["fees"] for row in json.loads(capsys.readouterr().out)["rows"]] == [[], []]
    assert formats.read(FOLDER / "paypal_stl.csv", "paypal/stl", as_json=True) == 1
    first, second, *_ = json.loads(capsys.readouterr().out)["rows"]
    keys = {"payment_ref", "fee_ref", "patron_id", "amount_cents", "occurred_on", "kind"}
    assert keys <= first.keys()
    assert (first["fee_ref"], first["fees"]) == (None, [["2345678901230001121", 1250], ["2345678901240001121", 8000]])
    assert (second["fee_ref"], second["fees"]) == ("2345678901250001121", [])


def test_a_layout_of_the_campus_is_known_to_every_command_that_is_given_its_file(tmp_path: Path) -> None:
    shipped = resource("schemas/layouts/peoplesoft/paid.toml").read_text("utf-8")
    own = tmp_path / "schemas/layouts/acme/paid.toml"
    own.parent.mkdir(parents=True)
    own.write_text(shipped.replace('"Emplid"', '"Who"'), "utf-8")
    campus = tmp_path / "campus.toml"
    campus.write_text('name = "acme"\n', "utf-8")
    paid = tmp_path / "paid.csv"
    paid.write_text(
        "Who,Date Paid,Reference Number,Paid Amount,Line Action\n001234567,1/6/2026,9001,12.50,PAY\n", "utf-8"
    )
    run = CliRunner()
    for command in (
        ["layouts"],
        ["layouts", "show", "acme/paid"],
        ["layouts", "try", str(paid), "acme/paid"],
        ["read", str(paid), "--layout", "acme/paid"],
    ):
        told = run.invoke(app, [*command, "--campus", str(campus)])
        assert (told.exit_code, "acme/paid" in told.output or "9001" in told.output) == (0, True)
        assert "9001" not in run.invoke(app, command).output


def test_a_campus_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(CampusError, match="nowhere"):
        formats.check(tmp_path / "nowhere.toml")
