"""The world dies at every call of deliver, or the outside fails; run again, each file is there exactly once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.adapters.folder import FolderPlace
from pipeline.ports.ledger import MAY_BE_TAKEN, Upload, UploadState
from pipeline.ports.outside import Busy, Lost, Refused
from pipeline.stages import publish
from tests.fakes.clock import FakeClock
from tests.fakes.fate import Died, Fate, FatedBook, FatedPlace, Fates
from tests.fakes.place import Bursar, Drive, FakePlace
from tests.fakes.uploads import FakeUploadBook, built

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pipeline.ports.outside import Place

FIRST_NIGHT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
NEXT_NIGHT = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
READS = ("size", "read")
CHANGES = ("write_new", "rename", "remove")


def memory(_: Path) -> FakePlace:
    return FakePlace(Drive())


def folder(path: Path) -> FolderPlace:
    path.mkdir()
    return FolderPlace(path)


@dataclass
class World:
    """What outlives a run: built files, the ledger's rows, and a bursar per system."""

    root: Path
    kind: Callable[[Path], Place]
    greedy: bool
    files: tuple[tuple[str, int], ...]
    rows: dict[int, Upload] = field(default_factory=dict)
    bursars: dict[str, Bursar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root.mkdir()
        for system, sequence in self.files:
            upload = built(self.root, system, sequence, f"{system} {sequence}\n".encode() * 40)
            self.rows[upload.batch_id] = upload
            if system not in self.bursars:
                self.bursars[system] = Bursar(self.kind(self.root / system), greedy=self.greedy)

    def run(self, now: datetime, at: Mapping[int, Fate] | None = None) -> Fates:
        """Run the command with fresh objects over what outlived the last run; dying is part of it."""
        fates = Fates(at or {})
        book = FatedBook(FakeUploadBook(self.rows), fates)
        places = {name: FatedPlace(bursar, fates) for name, bursar in self.bursars.items()}
        try:
            publish.deliver_all(book.uploads(), places, self.root, book, FakeClock(now))
        except Died:
            fates.calls.append("died")
        return fates

    def faults(self) -> list[str]:
        """Everything that is not as it must be once all is done."""
        return [
            *self.doubled(),
            *(f"{row.batch.name} is {row.state}" for row in self.rows.values() if row.state is not UploadState.SENT),
            *(fault for system, bursar in self.bursars.items() for fault in self._wrong_at(system, bursar)),
        ]

    def doubled(self) -> list[str]:
        """What must never be, at any moment: a file that was published twice."""
        received = [name for bursar in self.bursars.values() for name, _ in bursar.received]
        return [
            f"{name} was published {received.count(name)} times" for name in set(received) if received.count(name) > 1
        ]

    def _wrong_at(self, system: str, bursar: Bursar) -> Iterator[str]:
        mine = sorted((row.batch for row in self.rows.values() if row.batch.system == system), key=lambda b: b.sequence)
        due = [(batch.name, batch.sha) for batch in mine]
        if bursar.received != due:
            yield f"{system} received {[name for name, _ in bursar.received]} with other bytes or in another order"
        lying = sorted(one.name for one in bursar.place.list())
        if lying != ([] if self.greedy else [name for name, _ in due]):
            yield f"{system}: there lie {lying}"
        for name, sha in due if not self.greedy else []:
            if hashlib.sha256(bursar.place.read(name)).hexdigest() != sha:
                yield f"{name} is torn"


def deaths(call: str) -> list[Fate]:
    half = [Fate(Died(), "half")] if call == "write_new" else []
    return [Fate(Died()), Fate(Died(), "after"), *half]


def failures(call: str) -> list[Fate]:
    """What the port allows a call to answer when it goes wrong."""
    if call in READS:
        return [Fate(Busy("busy")), Fate(Refused("no", scope="system"))]
    if call in CHANGES:
        half = [Fate(Lost("lost"), "half")] if call == "write_new" else []
        lost = [Fate(Lost("lost")), Fate(Lost("lost"), "after"), *half]
        return [Fate(Busy("busy")), Fate(Refused("no", scope="system")), Fate(Refused("no")), *lost]
    return []


@dataclass
class Sweep:
    """Every fate at every call of one kind of world; what went wrong, and how many schedules were run."""

    folder: Path
    kind: Callable[[Path], Place]
    greedy: bool
    files: tuple[tuple[str, int], ...]
    schedules: int = 0
    faults: list[str] = field(default_factory=list)

    def world(self) -> World:
        self.schedules += 1
        return World(self.folder / f"{self.schedules:05d}", self.kind, self.greedy, self.files)

    def once(self, fates: Callable[[str], list[Fate]], again: datetime) -> Sweep:
        """One fate in the first run; the same command again must finish."""
        for number, call in enumerate(self.world().run(FIRST_NIGHT).calls):
            for fate in fates(call):
                world = self.world()
                world.run(FIRST_NIGHT, {number: fate})
                self._note(world, world.doubled(), f"{fate} at {number} ({call})")
                world.run(again)
                self._note(world, world.faults(), f"{fate} at {number} ({call}), then again")
        return self

    def twice(self, fates: Callable[[str], list[Fate]]) -> Sweep:
        """One fate in the first run and one in the second; the third must finish."""
        for first, call in enumerate(self.world().run(FIRST_NIGHT).calls):
            for fate in fates(call):
                shape = self.world()
                shape.run(FIRST_NIGHT, {first: fate})
                for second, next_call in enumerate(shape.run(FIRST_NIGHT).calls):
                    for next_fate in fates(next_call):
                        world = self.world()
                        world.run(FIRST_NIGHT, {first: fate})
                        world.run(FIRST_NIGHT, {second: next_fate})
                        world.run(NEXT_NIGHT)
                        self._note(
                            world, world.faults(), f"{fate} at {first} ({call}), {next_fate} at {second} ({next_call})"
                        )
        return self

    def _note(self, world: World, faults: list[str], when: str) -> None:
        self.faults += [f"{when}: {fault}" for fault in faults]


TWO_SYSTEMS = (("cashnet", 1), ("peoplesoft", 1), ("peoplesoft", 2))
TWO_FILES = (("peoplesoft", 1), ("peoplesoft", 2))
ONE_FILE = (("peoplesoft", 1),)


@pytest.mark.parametrize("greedy", [False, True], ids=["patient", "greedy"])
@pytest.mark.parametrize("again", [FIRST_NIGHT, NEXT_NIGHT], ids=["same-night", "next-night"])
def test_whenever_the_world_dies_each_file_is_published_exactly_once(
    tmp_path: Path, *, greedy: bool, again: datetime
) -> None:
    sweep = Sweep(tmp_path, memory, greedy, TWO_SYSTEMS).once(deaths, again)
    assert sweep.faults == []
    assert sweep.schedules >= 66


@pytest.mark.parametrize("greedy", [False, True], ids=["patient", "greedy"])
def test_it_is_so_on_a_real_disk_too(tmp_path: Path, *, greedy: bool) -> None:
    sweep = Sweep(tmp_path, folder, greedy, ONE_FILE).once(lambda call: deaths(call) + failures(call), NEXT_NIGHT)
    assert sweep.faults == []
    assert sweep.schedules >= 40


@pytest.mark.parametrize("greedy", [False, True], ids=["patient", "greedy"])
def test_whatever_the_outside_answers_each_file_is_published_exactly_once(tmp_path: Path, *, greedy: bool) -> None:
    sweep = Sweep(tmp_path, memory, greedy, TWO_SYSTEMS).once(failures, NEXT_NIGHT)
    assert sweep.faults == []
    assert sweep.schedules >= 60


@pytest.mark.parametrize("greedy", [False, True], ids=["patient", "greedy"])
def test_two_bad_nights_in_a_row_change_nothing_of_it(tmp_path: Path, *, greedy: bool) -> None:
    sweep = Sweep(tmp_path, memory, greedy, TWO_FILES).twice(lambda call: deaths(call) + failures(call))
    assert sweep.faults == []
    assert sweep.schedules >= 3000


@dataclass
class Passing:
    """A death on our way, then another file of our name that comes and goes, then a death once it is gone."""

    folder: Path
    greedy: bool
    schedules: int = 0
    faults: list[str] = field(default_factory=list)

    def world(self, fate: Mapping[int, Fate]) -> World:
        """Die so in the first run; in the second one another file lies there, after it that is gone."""
        self.schedules += 1
        world = World(self.folder / f"{self.schedules:05d}", memory, self.greedy, ONE_FILE)
        world.run(FIRST_NIGHT, fate)
        (upload,) = world.rows.values()
        place = world.bursars["peoplesoft"].place
        if isinstance(place, FakePlace) and upload.batch.name not in place.drive.files:
            place.drive.put(upload.batch.name, b"somebody else's")
            world.run(FIRST_NIGHT)
            del place.drive.files[upload.batch.name]
        return world

    def sweep(self) -> Passing:
        calls = World(self.folder / "calls", memory, self.greedy, ONE_FILE).run(FIRST_NIGHT).calls
        first = [{}, *({number: fate} for number, call in enumerate(calls) for fate in deaths(call))]
        for one in first:
            for number, call in enumerate(self.world(one).run(NEXT_NIGHT).calls):
                for fate in deaths(call):
                    world = self.world(one)
                    world.run(NEXT_NIGHT, {number: fate})
                    world.run(NEXT_NIGHT)
                    self.faults += [f"{one}, then {fate} at {number}: {fault}" for fault in self._wrong(world)]
        return self

    def _wrong(self, world: World) -> list[str]:
        """A file that still waits for a person is one that the bursar took."""
        (upload,) = world.rows.values()
        lost = [] if world.bursars["peoplesoft"].received else [f"{upload.state}, and never published"]
        there = UploadState.CONFLICT if self.greedy and upload.evidence.endswith(MAY_BE_TAKEN) else UploadState.SENT
        return [*world.doubled(), *lost, *([] if upload.state is there else [f"is {upload.state}"])]


@pytest.mark.parametrize("greedy", [False, True], ids=["patient", "greedy"])
def test_another_file_of_our_name_that_comes_and_goes_delays_ours_and_never_doubles_it(
    tmp_path: Path, *, greedy: bool
) -> None:
    passing = Passing(tmp_path, greedy).sweep()
    assert passing.faults == []
    assert passing.schedules >= 300


def test_an_outage_from_any_call_on_is_waited_out_by_the_next_run(tmp_path: Path) -> None:
    calls = World(tmp_path / "all", memory, greedy=True, files=TWO_SYSTEMS).run(FIRST_NIGHT).calls
    for start in range(len(calls)):
        world = World(tmp_path / str(start), memory, greedy=True, files=TWO_SYSTEMS)
        world.run(FIRST_NIGHT, {n: Fate(Busy("nobody answers")) for n in range(start, 3 * len(calls))})
        assert world.doubled() == []
        world.run(NEXT_NIGHT)
        assert world.faults() == [], f"an outage from call {start} on"


class TestPlantedBugs:
    """The sweep counts only if it finds these."""

    def test_not_noting_that_we_publish_is_found(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        noting = publish._Delivery._note  # noqa: SLF001 - a bug is planted where it would grow

        def forgetful(delivery: Any, state: UploadState, evidence: str) -> Upload:
            return delivery.upload if state is UploadState.PUBLISHING else noting(delivery, state, evidence)

        monkeypatch.setattr(publish._Delivery, "_note", forgetful)  # noqa: SLF001
        sweep = Sweep(tmp_path, memory, greedy=True, files=ONE_FILE).once(deaths, NEXT_NIGHT)
        assert any("published 2 times" in fault for fault in sweep.faults)

    def test_sending_again_what_is_gone_under_both_names_is_found(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looking = publish._Delivery.from_the_top  # noqa: SLF001

        def careless(delivery: Any) -> Upload:
            if delivery.upload.state is UploadState.PUBLISHING:
                delivery.upload = delivery._note(UploadState.STAGED, "surely it did not arrive")  # noqa: SLF001
            return looking(delivery)

        monkeypatch.setattr(publish._Delivery, "from_the_top", careless)  # noqa: SLF001
        sweep = Sweep(tmp_path, memory, greedy=True, files=ONE_FILE).once(deaths, NEXT_NIGHT)
        assert any("published 2 times" in fault for fault in sweep.faults)

    def test_sending_what_may_have_been_taken_before_another_file_lay_there_is_found(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(publish._Delivery, "_may_be_taken", lambda _: False)  # noqa: SLF001
        passing = Passing(tmp_path, greedy=True).sweep()
        assert any("published 2 times" in fault for fault in passing.faults)

    def test_trusting_what_lies_there_without_reading_it_back_is_found(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(publish._Delivery, "_is_ours", lambda _, __, size: size is not None)  # noqa: SLF001
        sweep = Sweep(tmp_path, memory, greedy=False, files=ONE_FILE).once(deaths, NEXT_NIGHT)
        assert any("torn" in fault for fault in sweep.faults)

    def test_letting_a_later_file_overtake_is_found(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        alone = publish._deliver_system  # noqa: SLF001

        def one_by_one(waiting: list[Upload], *rest: Any) -> Any:
            each = [alone([upload], *rest) for upload in waiting]
            return [one for ended, _ in each for one in ended], [one for _, said in each for one in said]

        monkeypatch.setattr(publish, "_deliver_system", one_by_one)
        sweep = Sweep(tmp_path, memory, greedy=False, files=TWO_SYSTEMS).once(failures, NEXT_NIGHT)
        assert any("in another order" in fault for fault in sweep.faults)


class Stranger(Bursar):
    """Puts a file of its own under our final name in the moment before we rename."""

    def rename(self, old: str, new: str) -> None:
        if isinstance(self.place, FakePlace) and new not in self.place.drive.files:
            self.place.drive.put(new, b"somebody else's")
        super().rename(old, new)


class Overwriting(FakePlace):
    """A server whose rename overwrites: the planted bug."""

    def rename(self, old: str, new: str) -> None:
        self.drive.files[new] = self.drive.files.pop(old)


@pytest.mark.parametrize(("kind", "kept"), [(FakePlace, True), (Overwriting, False)], ids=["ours", "planted-bug"])
def test_a_strangers_file_of_the_same_name_is_never_overwritten(
    tmp_path: Path, kind: type[FakePlace], *, kept: bool
) -> None:
    drive = Drive()
    stranger = Stranger(kind(drive), greedy=False)
    upload = built(tmp_path, "peoplesoft", 1, b"ours")
    book = FakeUploadBook({upload.batch_id: upload})
    ended, findings = publish.deliver_all([upload], {"peoplesoft": stranger}, tmp_path, book, FakeClock())
    assert (drive.files[upload.batch.name][0] == b"somebody else's") is kept
    assert ([one.state for one in ended] == [UploadState.CONFLICT]) is kept
    assert ([one.code for one in findings] == ["DELIVER-CONFLICT"]) is kept
