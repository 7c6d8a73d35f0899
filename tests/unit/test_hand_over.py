"""Payments handed over to Alma's import: one file a night, looked at before and after."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import pytest

from pipeline.flow.books import UnbalancedError
from pipeline.ports.ledger import PostingState, UploadState, Way
from pipeline.ports.outside import Busy, Refused
from pipeline.sandbox import import_job
from pipeline.stages import import_file
from pipeline.stages.external import external_id
from tests.fakes.fate import Fate, Fates
from tests.handing_over import IMPORTS, Rig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.ports.ledger import Charged, Posting

T = TypeVar("T")


def codes(rig: Rig) -> list[str]:
    return [one.code for one in rig.findings if one.code != "IMPORT-BARE"]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    made = Rig(tmp_path)
    made.owes("B1", 1000)
    return made


def let_go(rig: Rig) -> str:
    """A person says yes to the one payment that is held; give the code of what for."""
    (held,) = rig.book.postings(PostingState.HELD)
    rig.book.move_posting(held, PostingState.READY, rig.clock.now(), code=held.code, why="ana: another payment")
    return held.code


def test_a_payment_stands_in_one_file_and_is_verified_by_what_alma_shows(rig: Rig) -> None:
    rig.pays("K1", cents=400)
    first = rig.run(1)
    assert (rig.files(), first.sent, first.handed_over) == (
        ["payments_alma_20260302_0001.xml"],
        1,
        ("payments_alma_20260302_0001.xml",),
    )
    assert rig.states() == {"K1": "listed"}
    rig.run(2)
    assert (rig.states(), len(rig.book.import_files)) == ({"K1": "listed"}, 1)
    rig.import_all()
    rig.run(3)
    assert (rig.states(), rig.paid(), codes(rig)) == ({"K1": "verified"}, 400, [])


def test_what_comes_later_on_the_same_date_waits_for_the_next(rig: Rig) -> None:
    rig.pays("K1", cents=400)
    rig.run(1)
    rig.pays("K2", cents=100)
    rig.run(1)
    assert (rig.states(), len(rig.files())) == ({"K1": "listed", "K2": "ready"}, 1)
    rig.run(2)
    assert (rig.states(), len(rig.files())) == ({"K1": "listed", "K2": "listed"}, 2)


def test_two_equal_payments_on_two_nights_are_both_imported_and_each_is_seen(rig: Rig) -> None:
    rig.pays("K1", cents=400)
    rig.run(1)
    rig.import_all()
    rig.pays("K2", cents=400)
    rig.run(2)
    assert rig.states() == {"K1": "verified", "K2": "listed"}
    rig.run(3)
    assert rig.states()["K2"] == "listed"
    rig.import_all()
    rig.run(4)
    assert (rig.states(), rig.paid()) == ({"K1": "verified", "K2": "verified"}, 800)


def test_without_an_api_key_it_stays_listed_and_is_told_once_a_week(tmp_path: Path) -> None:
    rig = Rig(tmp_path, api=False)
    rig.owes("B1")
    rig.pays("K1")
    told = []
    for day in (1, 2, 7, 8, 8, 9, 16, 21, 22):
        rig.run(day)
        told += [(day, one.text) for one in rig.findings if one.code == "IMPORT-UNSEEN"]
    name = "payments_alma_20260302_0001.xml"
    assert told == [
        (8, f"{name}: 1 row, 10.00 not seen in Alma 7 days after it was sent"),
        (16, f"{name}: 1 row, 10.00 not seen in Alma 15 days after it was sent"),
        (22, f"{name}: 1 row, 10.00 not seen in Alma 21 days after it was sent"),
    ]
    assert (rig.states(), rig.files()) == ({"K1": "listed"}, [name])


def test_a_person_may_say_that_it_is_settled_and_nobody_is_told_any_more(tmp_path: Path) -> None:
    rig = Rig(tmp_path, api=False)
    rig.owes("B1")
    posting = rig.pays("K1")
    rig.run(1)
    (listed,) = rig.book.postings(PostingState.LISTED)
    assert listed.external_id == posting.external_id
    rig.book.move_posting(listed, PostingState.SETTLED, rig.clock.now(), why="seen in Alma by hand")
    rig.run(9)
    assert codes(rig) == []


def test_a_file_that_alma_imports_twice_is_told(rig: Rig) -> None:
    rig.pays("K1", cents=600)
    rig.run(1)
    (path,) = rig.inbox.iterdir()
    import_job.import_file(rig.world, path)
    rig.import_all()
    rig.run(2)
    assert (codes(rig), rig.states(), rig.credits()) == (["IMPORT-DOUBLE"], {"K1": "mismatch"}, 200)
    rig.run(3)
    assert codes(rig) == []


def test_a_clean_night_asks_one_question_a_patron_before_and_two_at_most_after(rig: Rig) -> None:
    rig.owes("B2", 500)
    rig.pays("K1", cents=400)
    rig.pays("K2", "B2", 500)
    rig.run(1)
    assert rig.alma.calls == ["list EXPORTED"]
    rig.import_all()
    rig.alma.calls.clear()
    rig.run(2)
    assert (rig.alma.calls, set(rig.states().values())) == (["list EXPORTED", "list CLOSED"], {"verified"})


def test_a_patron_whom_alma_no_longer_knows_is_named(rig: Rig) -> None:
    rig.pays("K1")
    rig.world.users.clear()
    rig.run(1)
    assert (codes(rig), rig.states()) == (["LOCATE-NO-PATRON"], {"K1": "held"})


class TestBeforeItIsHandedOver:
    def test_a_fee_that_was_waived_meanwhile_is_held_and_makes_no_credit(self, rig: Rig) -> None:
        rig.pays("K1")
        fee = next(iter(rig.world.fees.values()))
        rig.world.waive(fee, 1000, "R", "lost and found")
        rig.run(1)
        assert (codes(rig), rig.states(), rig.files()) == (["FEE-CLOSED"], {"K1": "held"}, [])
        rig.run(2)
        assert codes(rig) == []

    def test_more_than_is_left_is_held_and_goes_once_there_is_room(self, rig: Rig) -> None:
        rig.pays("K1")
        fee = rig.world.waive(next(iter(rig.world.fees.values())), 1, "R", "")
        rig.run(1)
        assert (codes(rig), rig.states()) == (["IMPORT-EXCEEDS"], {"K1": "held"})
        rig.world.fees[fee.fee_id] = replace(fee, balance_cents=1000)
        rig.run(2)
        assert rig.states() == {"K1": "listed"}

    def test_what_a_file_on_its_way_will_take_is_not_left(self, rig: Rig) -> None:
        rig.pays("K1", cents=700)
        rig.run(1)
        rig.pays("K2", cents=301)
        rig.run(2)
        assert (codes(rig), rig.states()["K2"]) == (["IMPORT-EXCEEDS"], "held")

    def test_what_somebody_entered_at_a_desk_is_held(self, rig: Rig) -> None:
        fee = next(iter(rig.world.fees.values()))
        rig.world.imported(fee, 400, "PAYMENT")
        rig.pays("K1", cents=400)
        rig.run(1)
        assert (codes(rig), rig.states()) == (["LOOKS-ALREADY-ENTERED"], {"K1": "held"})
        let_go(rig)
        rig.run(2)
        assert rig.states() == {"K1": "listed"}

    def test_a_yes_to_what_was_entered_at_a_desk_is_no_yes_to_more_than_is_left(self, rig: Rig) -> None:
        rig.world.imported(next(iter(rig.world.fees.values())), 600, "PAYMENT")
        rig.pays("K1", cents=600)
        rig.run(1)
        assert let_go(rig) == "LOOKS-ALREADY-ENTERED"
        rig.run(2)
        assert (codes(rig), rig.states()) == (["IMPORT-EXCEEDS"], {"K1": "held"})

    def test_a_yes_to_more_than_is_left_makes_the_credit_a_person_has_taken_into_account(self, rig: Rig) -> None:
        rig.world.waive(next(iter(rig.world.fees.values())), 1, "R", "")
        rig.pays("K1")
        rig.run(1)
        assert let_go(rig) == "IMPORT-EXCEEDS"
        rig.run(2)
        rig.import_all()
        assert (rig.states(), rig.credits()) == ({"K1": "listed"}, 1)

    def test_what_cannot_be_paid_in_alma_is_held_again_whatever_was_said(self, rig: Rig) -> None:
        rig.world.waive(next(iter(rig.world.fees.values())), 1000, "R", "lost and found")
        rig.pays("K1")
        rig.run(1)
        assert let_go(rig) == "FEE-CLOSED"
        rig.run(2)
        assert (codes(rig), rig.states(), rig.files()) == (["FEE-CLOSED"], {"K1": "held"}, [])

    def test_who_cannot_be_found_in_alma_is_held_again_whatever_was_said(self, rig: Rig) -> None:
        rig.pays("K1")
        rig.world.users.clear()
        rig.run(1)
        assert let_go(rig) == "LOCATE-NO-PATRON"
        rig.run(2)
        assert (codes(rig), rig.states(), rig.files()) == (["LOCATE-NO-PATRON"], {"K1": "held"}, [])

    def test_nobody_knows_tonight_so_it_waits_and_after_three_nights_a_person_is_told(self, rig: Rig) -> None:
        rig.pays("K1")

        def busy(*_: object) -> None:
            nobody = "nobody answers"
            raise Busy(nobody)

        rig.alma.list_fees = busy
        for day in (1, 2):
            rig.run(day)
            assert (codes(rig), rig.states(), rig.files()) == ([], {"K1": "ready"}, [])
        rig.run(3)
        assert (codes(rig), rig.states()) == (["POST-BLIND"], {"K1": "held"})


def test_without_a_place_for_it_the_operator_is_told_and_nothing_is_listed(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.owes("B1")
    rig.pays("K1")
    rig.loaded = replace(rig.loaded, campus=rig.loaded.campus.model_copy(update={"imports": None}))
    rig.run(1)
    assert (codes(rig), rig.states()) == (["IMPORT-NOWHERE"], {"K1": "ready"})


class Meanwhile(Fates):
    """Somebody puts a file under our next name right after we have seen that there was none."""

    def __init__(self, inbox: Path, name: str) -> None:
        super().__init__()
        self.path = inbox / name

    def call(self, name: str, do: Callable[[], T], half: Callable[[], object] | None = None) -> T:
        answer = super().call(name, do, half)
        if name == "list":
            self.path.write_text("somebody else's", "utf-8")
        return answer


def test_a_file_of_its_name_that_is_not_ours_is_never_replaced_and_cancelled_it_is_written_anew(rig: Rig) -> None:
    strange = "payments_alma_20260302_0001.xml"
    rig.pays("K1")
    rig.run(1, Meanwhile(rig.inbox, strange))
    assert codes(rig) == ["DELIVER-CONFLICT"]
    (upload,) = rig.book.uploads()
    rig.book.move_upload(upload, UploadState.CANCELLED, "ana: not ours", rig.clock.now())
    assert rig.states() == {"K1": "ready"}
    rig.run(1)
    assert (codes(rig), rig.states()) == (["IMPORT-STRANGE"], {"K1": "ready"})
    (rig.inbox / strange).unlink()
    rig.run(1)
    assert rig.states() == {"K1": "listed"}
    assert rig.files() == ["payments_alma_20260302_0002.xml"]


class TestWhatLiesThereAlready:
    """A file that Alma has not imported yet shows on no fee; a second one with the same payments would pay twice."""

    OLD = "payments_alma_20260227_0412.xml"

    def test_one_that_the_ledger_does_not_know_keeps_everything_waiting_and_is_told_each_night(self, rig: Rig) -> None:
        (rig.inbox / self.OLD).write_text("of a ledger that is lost", "utf-8")
        rig.pays("K1")
        for day in (1, 2):
            work = rig.run(day)
            (told,) = work.findings
            assert (told.code, told.subject, told.stops) == ("IMPORT-STRANGE", self.OLD, True)
            assert told.text == (
                f"import: {self.OLD} lies there, and this ledger has not sent it; payments of alma wait"
            )
            assert (rig.states(), rig.files(), rig.book.uploads()) == ({"K1": "ready"}, [self.OLD], [])
        (rig.inbox / self.OLD).unlink()
        rig.run(3)
        assert (rig.states(), rig.files()) == ({"K1": "listed"}, ["payments_alma_20260304_0001.xml"])

    def test_our_own_of_an_earlier_night_and_files_of_others_stop_nothing(self, rig: Rig) -> None:
        for name in ("payments_law_20260227_0001.xml", "readme.txt", f".{self.OLD}", f"{self.OLD}.done"):
            (rig.inbox / name).write_text("", "utf-8")
        rig.pays("K1", cents=400)
        rig.run(1)
        rig.pays("K2", cents=100)
        rig.run(2)
        assert (codes(rig), rig.states()) == ([], {"K1": "listed", "K2": "listed"})

    def test_when_nothing_waits_nobody_is_troubled_with_it(self, rig: Rig) -> None:
        (rig.inbox / self.OLD).write_text("", "utf-8")
        fates = Fates()
        rig.run(1, fates)
        assert (codes(rig), fates.calls) == ([], [])

    @pytest.mark.parametrize(
        ("error", "code"), [(Busy("no answer"), "DELIVER-BUSY"), (Refused("no", scope="system"), "DELIVER-REFUSED")]
    )
    def test_a_place_that_cannot_be_listed_gets_no_file(self, rig: Rig, error: Exception, code: str) -> None:
        rig.pays("K1")
        tries = 4 if isinstance(error, Busy) else 1
        rig.run(1, Fates(dict.fromkeys(range(tries), Fate(error))))
        assert (codes(rig), rig.states(), rig.book.uploads()) == ([code], {"K1": "ready"}, [])
        rig.run(2)
        assert rig.states() == {"K1": "listed"}


def test_a_file_that_does_not_read_back_to_the_cent_never_leaves(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    writing = import_file.document
    monkeypatch.setattr(
        import_file,
        "document",
        lambda *what: (one.replace(b"<xb:sum>10<", b"<xb:sum>10.01<") for one in writing(*what)),
    )
    rig.pays("K1")
    with pytest.raises(UnbalancedError, match="1 cents too many"):
        rig.run(1)
    assert (rig.states(), rig.files()) == ({"K1": "ready"}, [])


def test_a_source_that_is_called_like_a_system_still_goes_to_alma(tmp_path: Path) -> None:
    rig = Rig(tmp_path, more=IMPORTS)
    charge = replace(_charge(rig), source="peoplesoft")
    rig.book.debts["peoplesoft", "B1"] = charge
    posting = rig.pays("K1")
    rig.book.by_id[posting.external_id] = replace(posting, source="peoplesoft")
    rig.run(1)
    assert rig.files() == ["payments_peoplesoft_20260302_0001.xml"]


def _charge(rig: Rig) -> Charged:
    rig.owes("B1")
    return rig.book.debts["alma", "B1"]


def continued(rig: Rig, fee_id: str, by: str) -> None:
    """A debt goes on in Alma as another fee; what is paid of it is planned for that one."""
    charge = replace(rig.book.debts["alma", fee_id], continued_by=(by,))
    rig.book.debts["alma", fee_id] = rig.book.references[charge.system, fee_id] = charge


def test_two_debts_that_are_one_fee_in_alma_are_one_sum_in_the_file_and_both_are_seen(rig: Rig) -> None:
    rig.owes("B2", 500)
    rig.owes("B3", 1500)
    for key, fee_id, cents in (("K1", "B1", 1000), ("K2", "B2", 500)):
        continued(rig, fee_id, "B3")
        one = rig.pays(key, fee_id, cents)
        rig.book.by_id[one.external_id] = replace(one, alma_fee_id="B3")
    rig.run(1)
    rig.import_all()
    assert rig.paid("B3") == 1500
    rig.run(2)
    assert (rig.states(), codes(rig)) == ({"K1": "verified", "K2": "verified"}, [])


def test_a_payment_of_the_second_debt_knows_what_the_first_one_brought_down(rig: Rig) -> None:
    rig.owes("B3", 1500)
    continued(rig, "B1", "B3")
    one = rig.pays("K1", "B1", 500)
    rig.book.by_id[one.external_id] = replace(one, alma_fee_id="B3")
    rig.run(1)
    rig.import_all()
    rig.run(2)
    rig.pays("K2", "B3", 500)
    rig.run(3)
    assert (rig.states(), codes(rig)) == ({"K1": "verified", "K2": "listed"}, [])


def test_imports_that_nobody_could_look_at_are_counted(rig: Rig) -> None:
    rig.pays("K1", cents=400)
    rig.run(1)
    rig.alma = Silent()
    for number in range(11):
        rig.owes(f"C{number}")
        charge = rig.book.debts["alma", f"C{number}"]
        rig.book.debts["alma", f"C{number}"] = replace(charge, patron_id=f"Q{number}")
        one = rig.pays(f"L{number}", f"C{number}")
        rig.book.by_id[one.external_id] = replace(one, patron_id=f"Q{number}", state=PostingState.READY)
    rig.api = False
    rig.run(2)
    rig.api = True
    rig.run(3)
    assert codes(rig) == ["CONFIRM-PAUSED"]
    assert rig.findings[-1].text.startswith("2 payments were not looked at again: Alma gave no usable answer")


class Silent:
    """An Alma that answers nothing."""

    def list_fees(self, patron_id: str, patron_id_type: str, status: str) -> object:
        message = "no answer"
        raise Busy(message)


def beside(rig: Rig, state: PostingState, code: str = "") -> Posting:
    """4.00 of a receipt are to be handed over, and its second share is paid through the API."""
    posting = rig.pays("K1", cents=400)
    other = replace(posting, external_id=external_id("campus", "K1", 2), way=Way.API, state=state, code=code)
    rig.book.by_id[other.external_id] = other
    return other


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (PostingState.MISMATCH, "POST-MISMATCH"),
        (PostingState.DOUBLE, "POST-DOUBLE"),
        (PostingState.HELD, "POST-MISMATCH"),
        (PostingState.SETTLED, "POST-MISMATCH"),
    ],
)
def test_what_is_left_of_a_receipt_is_not_handed_over_while_a_share_of_it_stands_otherwise(
    rig: Rig, state: PostingState, code: str
) -> None:
    beside(rig, state, code)
    rig.run(1)
    assert codes(rig) == ["POST-MISMATCH"]
    rig.run(2)
    assert (codes(rig), rig.files()) == ([], [])
    mine = rig.book.by_id[external_id("export", "K1", 1)]
    rig.book.move_posting(mine, PostingState.READY, rig.clock.now(), code=mine.code, why="ana: to be paid all the same")
    rig.run(3)
    assert [one.external_id for one in rig.book.postings(PostingState.LISTED)] == [mine.external_id]


def test_it_waits_until_the_share_that_the_api_pays_was_looked_at(rig: Rig) -> None:
    other = beside(rig, PostingState.READY)
    rig.run(1)
    assert (codes(rig), rig.files()) == ([], [])
    rig.book.by_id[other.external_id] = replace(other, state=PostingState.POSTED)
    rig.run(2)
    assert (codes(rig), len(rig.files())) == ([], 1)


def test_one_that_a_person_let_go_all_the_same_waits_for_no_other(rig: Rig) -> None:
    beside(rig, PostingState.READY)
    mine = external_id("export", "K1", 1)
    rig.book.by_id[mine] = replace(rig.book.by_id[mine], code="POST-MISMATCH")
    rig.run(1)
    assert [one.external_id for one in rig.book.postings(PostingState.LISTED)] == [mine]
