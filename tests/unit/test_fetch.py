"""Fetching: what counts as whole, what is kept and where, what never is, and what is told."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pipeline.adapters.folder import FolderPlace
from pipeline.ports.outside import Lost, Refused
from pipeline.stages.feed import Fetched
from pipeline.stages.intake import fetch_feed
from pipeline.stages.shelf import shelf
from tests.fakes.clock import FakeClock
from tests.fakes.fate import Died, Fate, FatedPlace, Fates
from tests.fakes.place import FakePlace, Outage
from tests.fakes.uploads import FakeFileBook
from tests.unit.fetch_kit import FEED, PAID, Desk, codes, names

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.ports.ledger import InFile


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "archive")


def test_a_new_file_lies_read_only_in_the_archive_under_its_hash_before_the_ledger_hears_of_it(desk: Desk) -> None:
    desk.drive.put("CASHNET_1.csv", PAID)

    class Checking(FakeFileBook):
        def archived(self, file: InFile) -> None:
            assert shelf(desk.archive, file).read_bytes() == PAID
            super().archived(file)

    desk.book = Checking()
    (file,) = desk.look().new
    sha = hashlib.sha256(PAID).hexdigest()
    assert (file.sha, file.name, file.role, file.feed) == (sha, "CASHNET_1.csv", "payments", "cashnet")
    assert (file.size, file.state) == (len(PAID), "archived")
    kept = shelf(desk.archive, file)
    assert kept.relative_to(desk.archive).as_posix() == f"in/2026/03/{sha[:12]}_CASHNET_1.csv"
    assert kept.stat().st_mode & 0o777 == 0o400
    assert desk.book.rows == {sha: file}
    assert list(desk.drive.files) == ["CASHNET_1.csv"], "the sender's folder is as it was"


@pytest.mark.parametrize(
    "name",
    [".CASHNET_1.csv", "CASHNET_1.csv.part", "CASHNET_1.tmp", "CASHNET_1.csv.FILEPART", "cashnet_1.csv", "x.csv"],
)
def test_what_is_not_on_our_list_or_not_finished_is_not_looked_at(tmp_path: Path, name: str) -> None:
    desk = Desk(tmp_path, replace(FEED, pattern="CASHNET_*"))
    desk.drive.put(name, PAID)
    assert desk.look() == Fetched((), (), ())
    assert desk.clock.slept == []


def test_two_looks_lie_far_enough_apart_and_what_grows_meanwhile_waits(desk: Desk) -> None:
    desk.drive.put("CASHNET_1.csv", PAID)
    desk.drive.put("CASHNET_2.csv", PAID[:20])

    class Growing(FakeClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            desk.drive.put("CASHNET_2.csv", PAID[:30])
            desk.drive.put("CASHNET_3.csv", b"new")

    desk.clock = Growing()
    got = desk.look()
    assert desk.clock.slept == [60]
    assert names(got.new) == ["CASHNET_1.csv"]
    assert [(one.code, one.subject) for one in got.findings] == [
        ("FETCH-GROWING", "CASHNET_2.csv"),
        ("FETCH-GROWING", "CASHNET_3.csv"),
    ]


def test_a_file_that_changes_its_time_but_not_its_size_waits_too(desk: Desk) -> None:
    desk.drive.put("CASHNET_1.csv", PAID)

    class Touching(FakeClock):
        def sleep(self, seconds: float) -> None:
            desk.drive.put("CASHNET_1.csv", PAID)

    desk.clock = Touching()
    assert codes(desk.look()) == ["FETCH-GROWING"]


@pytest.mark.parametrize("call", ["size", "fetch"])
def test_a_file_that_grows_while_it_is_copied_waits(desk: Desk, call: str) -> None:
    desk.drive.put("CASHNET_1.csv", PAID)

    class Late(FakePlace):
        def size(self, name: str) -> int | None:
            known = super().size(name)
            if call == "size":
                self.drive.put(name, PAID + b"more")
            return known

        def fetch(self, name: str, to: Path) -> int:
            copied = super().fetch(name, to)
            if call == "fetch":
                self.drive.put(name, PAID + b"more")
            return copied

    desk.place = Late(desk.drive)
    assert codes(desk.look()) == ["FETCH-GROWING"]
    assert desk.kept() == []


def test_an_empty_file_is_not_whole(desk: Desk) -> None:
    desk.drive.put("CASHNET_1.csv", b"")
    assert codes(desk.look()) == ["FETCH-GROWING"]


def test_a_file_that_vanishes_is_no_error(desk: Desk) -> None:
    desk.drive.put("CASHNET_1.csv", PAID)

    class Fleeting(FakePlace):
        def size(self, name: str) -> int | None:
            self.drive.files.clear()
            return super().size(name)

    desk.place = Fleeting(desk.drive)
    assert codes(desk.look()) == ["FETCH-GROWING"]


def test_a_larger_file_than_allowed_is_not_even_fetched(tmp_path: Path) -> None:
    desk = Desk(tmp_path, replace(FEED, max_bytes=len(PAID) - 1))
    desk.drive.put("CASHNET_1.csv", PAID)
    fates = Fates()
    desk.place = FatedPlace(FakePlace(desk.drive), fates)
    assert codes(desk.look()) == ["FETCH-TOO-LARGE"]
    assert fates.calls == ["list", "list"]


@pytest.mark.parametrize("name", ["CASHNET_1.csv", "CASHNET_2.csv"])
def test_the_same_bytes_again_count_once_whatever_their_name(desk: Desk, name: str) -> None:
    desk.drive.put("CASHNET_1.csv", PAID)
    (first,) = desk.look().new
    desk.book.settle(first.sha)
    del desk.drive.files["CASHNET_1.csv"]
    desk.drive.put(name, PAID)
    got = desk.look()
    assert (got.new, [file.sha for file in got.again], codes(got)) == ((), [first.sha], ["FETCH-AGAIN"])
    assert len(desk.kept()) == 1


def test_a_file_archived_by_a_run_that_died_is_neither_new_nor_again(desk: Desk) -> None:
    desk.drive.put("CASHNET_1.csv", PAID)
    desk.look()
    got = desk.look()
    assert (got.new, got.again) == ((), ())
    assert names(tuple(desk.book.files_in("payments", "archived"))) == ["CASHNET_1.csv"]


def test_other_bytes_under_a_known_name_are_news_in_a_cumulative_feed_and_held_in_any_other(tmp_path: Path) -> None:
    for same_name, expected in (("news", (2, [])), ("hold", (1, ["FETCH-SAME-NAME"]))):
        desk = Desk(tmp_path / same_name, replace(FEED, same_name=same_name))  # type: ignore[arg-type]
        desk.drive.put("CASHNET_1.csv", PAID)
        desk.look()
        desk.drive.put("CASHNET_1.csv", PAID + b"D,2,1.00\n")
        got = desk.look()
        assert (len(desk.kept()), codes(got)) == expected


def test_what_cannot_prove_that_it_is_whole_is_said_each_time(tmp_path: Path) -> None:
    desk = Desk(tmp_path, replace(FEED, proved=False))
    desk.drive.put("CASHNET_1.csv", PAID)
    got = desk.look()
    assert (names(got.new), codes(got)) == (["CASHNET_1.csv"], ["FETCH-UNPROVED"])


def test_without_a_pause_there_are_still_two_looks(tmp_path: Path) -> None:
    desk = Desk(tmp_path, replace(FEED, quiet_s=0))
    desk.drive.put("CASHNET_1.csv", PAID)
    assert names(desk.look().new) == ["CASHNET_1.csv"]
    assert desk.clock.slept == []


def test_files_come_in_the_order_they_were_written(desk: Desk) -> None:
    for name in ("CASHNET_3.csv", "CASHNET_1.csv", "CASHNET_2.csv"):
        desk.drive.put(name, name.encode())
    assert names(desk.look().new) == ["CASHNET_3.csv", "CASHNET_1.csv", "CASHNET_2.csv"]


def full_desk(archive: Path) -> Desk:
    desk = Desk(archive, replace(FEED, processed="done"))
    desk.drive.folders.add("done")
    desk.drive.put("CASHNET_1.csv", PAID)
    return desk


class TestMovingAside:
    @pytest.fixture
    def desk(self, tmp_path: Path) -> Desk:
        return full_desk(tmp_path)

    def test_only_when_the_ledger_has_it_is_a_file_moved(self, desk: Desk) -> None:
        class Checking(FakePlace):
            def rename(self, old: str, new: str) -> None:
                assert desk.book.file(hashlib.sha256(PAID).hexdigest()) is not None
                super().rename(old, new)

        desk.place = Checking(desk.drive)
        assert codes(desk.look()) == []
        assert list(desk.drive.files) == ["done/CASHNET_1.csv"]

    def test_a_name_that_is_taken_gets_the_hash_in_front(self, desk: Desk) -> None:
        desk.drive.put("done/CASHNET_1.csv", b"yesterday's")
        (file,) = desk.look().new
        assert sorted(desk.drive.files) == [f"done/{file.sha[:12]}_CASHNET_1.csv", "done/CASHNET_1.csv"]
        assert desk.drive.files["done/CASHNET_1.csv"][0] == b"yesterday's"

    def test_a_duplicate_is_moved_too(self, desk: Desk) -> None:
        desk.look()
        desk.drive.put("CASHNET_1.csv", PAID)
        assert codes(desk.look()) == ["FETCH-AGAIN"]
        assert [name for name in desk.drive.files if "/" not in name] == []

    @pytest.mark.parametrize("spoil", ["read_only", "no folder", "lost"])
    def test_where_it_cannot_be_moved_it_stays_and_counts_once(self, desk: Desk, spoil: str) -> None:
        if spoil == "read_only":
            desk.drive.read_only = True
        elif spoil == "no folder":
            desk.drive.folders.clear()
        else:
            desk.place = FatedPlace(desk.place, Fates({5: Fate(Lost("no answer"))}))
        got = desk.look()
        assert (names(got.new), codes(got)) == (["CASHNET_1.csv"], ["FETCH-LEFT"])
        desk.book.settle(got.new[0].sha)
        assert desk.look().new == ()


class TestWhenTheOutsideFails:
    def test_a_place_that_is_down_is_not_an_empty_night(self, desk: Desk) -> None:
        desk.place = Outage(FakePlace(desk.drive), 1000)
        got = desk.look()
        assert codes(got) == ["FETCH-BUSY"]
        assert got.findings[0].stops

    def test_a_short_outage_is_waited_out(self, desk: Desk) -> None:
        desk.drive.put("CASHNET_1.csv", PAID)
        desk.place = Outage(FakePlace(desk.drive), 2)
        assert names(desk.look().new) == ["CASHNET_1.csv"]

    def test_a_folder_that_is_gone_is_not_an_empty_night(self, desk: Desk) -> None:
        desk.drive.there = False
        assert codes(desk.look()) == ["FETCH-REFUSED"]

    def test_one_file_that_may_not_be_read_keeps_no_other_back(self, desk: Desk) -> None:
        for number in (1, 2):
            desk.drive.put(f"CASHNET_{number}.csv", b"%d" % number)
        desk.place = FatedPlace(desk.place, Fates({3: Fate(Refused("no"))}))
        got = desk.look()
        assert (names(got.new), codes(got)) == (["CASHNET_2.csv"], ["FETCH-REFUSED"])

    def test_wherever_a_run_dies_the_next_one_has_the_file_once(self, tmp_path: Path) -> None:
        fates = Fates()
        whole = full_desk(tmp_path / "whole")
        whole.place = FatedPlace(whole.place, fates)
        whole.look()
        assert fates.calls == ["list", "list", "size", "fetch", "size", "rename"]
        for number in range(len(fates.calls)):
            for when in ("before", "after"):
                desk = full_desk(tmp_path / f"{number}{when}")
                fated = FatedPlace(desk.place, Fates({number: Fate(Died(), when)}))
                with pytest.raises(Died):
                    fetch_feed(desk.feed, fated, desk.book, desk.archive, desk.clock)
                desk.look()
                assert names(tuple(desk.book.files_in("payments", "archived"))) == ["CASHNET_1.csv"]
                assert list(desk.drive.files) == ["done/CASHNET_1.csv"]
                assert len(desk.kept()) == 1

    def test_dying_between_archive_and_ledger_leaves_one_copy(self, desk: Desk) -> None:
        desk.drive.put("CASHNET_1.csv", PAID)
        mourned, desk.book = desk.book, Mortal()
        with pytest.raises(Died):
            desk.look()
        desk.book = mourned
        assert names(desk.look().new) == ["CASHNET_1.csv"]
        assert len(desk.kept()) == 1


class Mortal(FakeFileBook):
    def archived(self, file: InFile) -> None:
        raise Died


def test_it_works_on_a_real_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "done").mkdir(parents=True)
    (out / "CASHNET_1.csv").write_bytes(PAID)
    (out / "CASHNET_2.csv").symlink_to("/etc/hostname")
    desk = Desk(tmp_path / "archive", replace(FEED, processed="done"))
    desk.place = FolderPlace(out)
    got = desk.look()
    assert (names(got.new), codes(got)) == (["CASHNET_1.csv"], [])
    assert [path.name for path in (out / "done").iterdir()] == ["CASHNET_1.csv"]
