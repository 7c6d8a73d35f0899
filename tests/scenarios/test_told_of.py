"""The office loads by the run sheet: every file that left stands on one, on a manifest and on a report."""

from __future__ import annotations

import errno
import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import files, stages
from tests.fakes.place import Outage
from tests.nights import Nights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from pipeline.ports.outside import Place

AWAY = 1000
"""More calls than a night makes."""

PAGES = ("run_sheet.html", "manifest.json", "report.html")


class KilledError(BaseException):
    """The machine goes out."""


def dying(at: str, *, after: bool) -> Callable[[str], Callable[..., Any]]:
    """Find stages of which one kills the run, before it does anything or when it is done."""

    def find(name: str) -> Callable[..., Any]:
        stage = stages.find(name)

        def last(*given: Any, **named: Any) -> None:
            if after:
                stage(*given, **named)
            raise KilledError

        return last if name == at else stage

    return find


def told(nights: Nights, page: str, name: str) -> list[str]:
    """The runs of which a page names a file."""
    pages = sorted((nights.folder / "state" / "runs").glob(f"*/{page}"))
    return [one.parent.name for one in pages if name in one.read_text("utf-8")]


@pytest.mark.parametrize(("at", "after"), [("book", True), ("deliver", False), ("deliver", True)])
def test_a_file_of_a_run_that_was_killed_is_told_of_by_the_next_one_and_by_no_later_one(
    tmp_path: Path, at: str, *, after: bool
) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {})
    with pytest.raises(KilledError):
        Nights.again(nights, dying(at, after=after)).night(1)
    nights.clock.sleep(86_400)
    nights.night(2)
    nights.clock.sleep(86_400)
    nights.exported("b.xml", {"fee_id": "1002"}, number="101")
    nights.night(3)
    first, second = sorted(nights.delivered("peoplesoft/in"))
    for page in PAGES:
        assert (told(nights, page, first), told(nights, page, second)) == (["2026-01-06-01"], ["2026-01-07-01"])


def test_a_file_of_a_run_that_could_not_write_its_pages_is_told_of_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights, write = Nights(tmp_path), files.replace

    def full(path: Path, blocks: Iterable[bytes]) -> str:
        if path.name in PAGES:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write(path, blocks)

    nights.exported("a.xml", {})
    with monkeypatch.context() as patch:
        patch.setattr(files, "replace", full)
        assert nights.night(1).sent == 1
    nights.clock.sleep(86_400)
    nights.night(2)
    [name] = nights.delivered("peoplesoft/in")
    assert [told(nights, page, name) for page in PAGES] == [["2026-01-06-01"]] * len(PAGES)


def test_a_file_that_arrives_a_night_late_is_told_of_when_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights, there = Nights(tmp_path), Nights.place
    nights.exported("a.xml", {})

    def away(self: Nights, connection: str, folder: str) -> Place:
        place = there(self, connection, folder)
        return Outage(place, AWAY) if folder.endswith("/in") else place

    with monkeypatch.context() as patch:
        patch.setattr(Nights, "place", away)
        nights.night(1)
    nights.clock.sleep(86_400)
    nights.exported("b.xml", {"fee_id": "1002"}, number="101")
    night = nights.night(2)
    went = json.loads((night.folder / "manifest.json").read_text("utf-8"))["went_out"]
    assert (night.sent, [one["state"] for one in went]) == (2, ["sent", "sent"])
    for name in nights.delivered("peoplesoft/in"):
        assert told(nights, "run_sheet.html", name)[-1] == "2026-01-06-01"
