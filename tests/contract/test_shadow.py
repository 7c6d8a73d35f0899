"""A campus in shadow: whole nights of the real commands that leave everything outside byte for byte as it was."""

from __future__ import annotations

import contextlib
from datetime import date
from typing import TYPE_CHECKING

import pytest

from pipeline import nightly
from pipeline.adapters.folder import FolderPlace
from pipeline.adapters.places import OnlyRead
from pipeline.campus.identity import identity
from pipeline.campus.load import Loaded, load
from pipeline.cli import run, tell, world
from pipeline.cli.books import ledger_of
from pipeline.cli.shadow import shadowed
from pipeline.cli.world import Places, outside_of
from pipeline.ports.ledger import NotOpenedError, PaymentState
from pipeline.ports.outside import Refused
from tests.fakes.clock import FakeClock
from tests.nights import FOLDERS, export
from tests.samples import CAMPUS
from tests.unit.sandbox_kit import KEY, STUDENT, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.sandbox.alma import Alma

NIGHT = date(2026, 1, 5)
STRANGER = {"patron_id_type": "03", "patron_id": "900000001", "fee_id": "2001"}
PAID = (
    "Emplid,Date Paid,Reference Number,Charge Amount,Paid Amount,Item Type,Charge Description\n"
    "001234567,01/05/2026,1001,12.50,12.50,300000007000,Overdue fine\n"
)


@pytest.fixture(autouse=True)
def nobody_else_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second opinion takes longer than all the rest, and has no part in this."""
    monkeypatch.setattr(world, "second_opinion", contextlib.nullcontext)


@pytest.fixture
def alma() -> Iterator[Alma]:
    with running() as (one, _):
        fee = one.world.add_fee(STUDENT, "OVERDUEFINE", 1250, bursar_id="1001")
        one.world.exported(fee, "BURSAR")
        yield one


def campus(folder: Path, alma: Alma, mode: str) -> Path:
    """Write the sample campus over folders of its own, with an Alma that could be paid."""
    for name in FOLDERS:
        (folder / "exchange" / name).mkdir(parents=True, exist_ok=True)
    (folder / "exchange" / "alma" / "done").mkdir(exist_ok=True)
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700, exist_ok=True)
    (secrets / "bursar_alma_key").write_text(KEY, "utf-8")
    (secrets / "bursar_alma_key").chmod(0o600)
    path = folder / f"{mode}.toml"
    path.write_text(
        f'base = "{CAMPUS}"\nmode = "{mode}"\n[sources.alma]\nprocessed = "done"\n[alma]\nurl = "{alma.url}"\n', "utf-8"
    )
    return path


def opened(path: Path) -> None:
    with contextlib.closing(ledger_of(identity(path))) as ledger:
        ledger.open_empty("test", FakeClock().now())


def outside(folder: Path) -> dict[str, tuple[bytes, float]]:
    """Everything outside, with when it was last written."""
    files = (path for path in (folder / "exchange").rglob("*") if path.is_file())
    return {str(path): (path.read_bytes(), path.stat().st_mtime) for path in files}


def night(path: Path, day: date = NIGHT) -> nightly.Night:
    return run.carry_out("night", load(path, secrets=True), day)


def exported(folder: Path) -> None:
    text = export({"patron_id": "001234567"}, STRANGER)
    (folder / "exchange" / "alma" / "EXPORT-1-2.xml").write_text(text, "utf-8")


def test_a_shadow_night_makes_every_file_and_lets_none_out(tmp_path: Path, alma: Alma) -> None:
    path = campus(tmp_path, alma, "shadow")
    opened(path)
    exported(tmp_path)
    before = outside(tmp_path)
    done = night(path)
    assert [finding.code for finding in done.findings if finding.stops] == []
    assert "FETCH-LEFT" not in [finding.code for finding in done.findings]
    assert outside(tmp_path) == before
    made = sorted(str(one.relative_to(tmp_path)) for one in (tmp_path / "state/shadow/peoplesoft").iterdir())
    assert len(made) == done.desks["CHARGES_OUT"].sent - 1 == 1
    assert alma.journal == []
    assert not (tmp_path / "state" / "ledger.sqlite").exists()


def test_a_shadow_night_says_everywhere_that_nothing_was_let_out(
    tmp_path: Path, alma: Alma, capsys: pytest.CaptureFixture[str]
) -> None:
    path = campus(tmp_path, alma, "shadow")
    opened(path)
    exported(tmp_path)
    done = night(path)
    page = (done.folder / "report.html").read_text("utf-8")
    assert "Shadow: nothing was let out; files lie in state/shadow/SYSTEM." in page
    said = "2 files made, none let out (shadow), 0 payments posted, 0 already known, 0 stops"
    assert nightly.summary(done) == said
    tell.status(path)
    assert said in capsys.readouterr().out


def test_payments_that_come_are_read_and_nobody_is_paid(tmp_path: Path, alma: Alma) -> None:
    path = campus(tmp_path, alma, "shadow")
    opened(path)
    exported(tmp_path)
    night(path)
    (tmp_path / "exchange" / "bursar" / "peoplesoft" / "out" / "LIBRARY_PAID_1.csv").write_text(PAID, "utf-8")
    before = outside(tmp_path)
    done = night(path, date(2026, 1, 6))
    assert [finding.code for finding in done.findings if finding.stops] == []
    with contextlib.closing(ledger_of(identity(path))) as ledger:
        assert [(one.shares[0].fee_id, one.cents) for one in ledger.payments_in(PaymentState.MATCHED)] == [
            ("1001", 1250)
        ]
    assert outside(tmp_path) == before
    assert alma.journal == [], "not even a question is asked"


def test_a_live_campus_in_the_same_folder_knows_nothing_of_its_shadow(tmp_path: Path, alma: Alma) -> None:
    shadow, live = campus(tmp_path, alma, "shadow"), campus(tmp_path, alma, "live")
    opened(shadow)
    exported(tmp_path)
    night(shadow)
    with pytest.raises(NotOpenedError):
        night(live)
    opened(live)
    done = night(live)
    assert done.sent == 2
    assert [one.name for one in (tmp_path / "exchange/alma/done").iterdir()] == ["EXPORT-1-2.xml"]
    assert list((tmp_path / "exchange/bursar/peoplesoft/in").iterdir()) != []


def test_who_it_is_tells_the_shadow_from_the_campus(tmp_path: Path, alma: Alma) -> None:
    shadow, live = campus(tmp_path, alma, "shadow"), campus(tmp_path, alma, "live")
    assert identity(shadow) == load(shadow).identity
    assert (identity(shadow).environment, identity(live).environment) == ("train-shadow", "train")
    assert identity(shadow).state == load(shadow).state == identity(live).state / "shadow"


def places(path: Path) -> tuple[Loaded, Places]:
    loaded = shadowed(load(path, secrets=True))
    return loaded, Places(loaded)


def test_what_lies_outside_is_only_read_and_what_goes_out_stays_inside(tmp_path: Path, alma: Alma) -> None:
    loaded, opened_places = places(campus(tmp_path, alma, "shadow"))
    source, system = loaded.campus.sources["alma"], loaded.campus.systems["peoplesoft"]
    there = opened_places.place(source.connection, source.folder)  # type: ignore[union-attr]
    assert isinstance(there, OnlyRead)
    exported(tmp_path)
    assert [one.name for one in there.list()] == ["EXPORT-1-2.xml"]
    assert there.size("EXPORT-1-2.xml") == len(there.read("EXPORT-1-2.xml"))
    assert there.fetch("EXPORT-1-2.xml", tmp_path / "copy") == there.size("EXPORT-1-2.xml")
    with pytest.raises(Refused, match="only read"):
        there.rename("EXPORT-1-2.xml", "done/EXPORT-1-2.xml")
    with pytest.raises(Refused, match="only read"):
        there.remove("EXPORT-1-2.xml")
    with pytest.raises(Refused, match="only read"):
        there.write_new("x", tmp_path / "copy")
    out = opened_places.place(system.connection, system.folder)
    out.write_new("x", tmp_path / "copy")
    assert (tmp_path / "state/shadow/peoplesoft/x").is_file()
    opened_places.close()


def test_in_shadow_nothing_is_moved_away_and_a_live_campus_is_as_its_file_says(tmp_path: Path, alma: Alma) -> None:
    live = load(campus(tmp_path, alma, "live"), secrets=True)
    assert shadowed(live) is live
    shadow = shadowed(load(campus(tmp_path, alma, "shadow"), secrets=True))
    assert shadow.campus.sources["alma"].processed == ""  # type: ignore[union-attr]
    assert {back.processed for one in shadow.campus.systems.values() for back in one.returns} == {""}
    assert {name: one.folder for name, one in shadow.campus.systems.items()} == {
        name: name for name in shadow.campus.systems
    }
    assert shadowed(shadow).campus == shadow.campus
    assert isinstance(Places(live).place("library", "."), FolderPlace)


def test_a_live_campus_has_an_alma_to_pay_and_its_shadow_has_none(tmp_path: Path, alma: Alma) -> None:
    for mode, paid in (("live", True), ("shadow", False)):
        with contextlib.ExitStack() as stack:
            real = outside_of(load(campus(tmp_path, alma, mode), secrets=True), stack)
            assert (real.alma is not None) is paid


def test_a_report_of_analytics_is_a_place_also_in_shadow_and_needs_the_alma_table(tmp_path: Path, alma: Alma) -> None:
    path = campus(tmp_path, alma, "shadow")
    report = """
[sources.fines]
kind = "analytics"
path = "/shared/x"
lists = "new_since"
patron_id_type = "02"
as_of.lag_days = 1
columns = { fee_id = ["Id"], patron_id = ["P"], fee_type = ["T"], original = ["A"], date = ["D"] }
"""
    path.write_text(path.read_text("utf-8") + report, "utf-8")
    with contextlib.ExitStack() as stack:
        place = outside_of(load(path, secrets=True), stack).place("analytics:fines", "")
        with pytest.raises(Refused, match="shared folder"):
            place.list()
    with pytest.raises(Refused, match="alma table"):
        Places(load(path)).place("analytics:fines", "")
