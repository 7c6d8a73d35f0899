from __future__ import annotations

import random
import socket
import struct
import threading
from typing import TYPE_CHECKING, cast
from xml.etree import ElementTree as ET

import pytest

from pipeline.sandbox import mischief
from pipeline.sandbox.mischief import Call
from pipeline.sandbox.records import Applied, Fee, PayRequest, Switches, User
from tests.unit.sandbox_kit import STUDENT, Hung, Seen, ask, pay, running

if TYPE_CHECKING:
    from pipeline.sandbox.alma import Alma
    from pipeline.sandbox.mischief import Mischief
    from pipeline.sandbox.records import Exported, Overpay

FEES = "/users/001234567/fees"
NAMESPACE = "{http://com/exlibris/urm/general/xmlbeans}"


def xml(seen: Seen) -> ET.Element:
    return ET.fromstring(seen.body)  # noqa: S314 - the box's own answer


def charged(alma: Alma, cents: int = 2223, kind: str = "OVERDUEFINE") -> Fee:
    return alma.world.add_fee(STUDENT, kind, cents, owner="MAIN", title="History", barcode="93727")


def exported(alma: Alma, cents: int = 2223) -> Fee:
    return alma.world.exported(charged(alma, cents), "BURSAR")


def test_a_patron_without_fees_has_a_list_without_the_fee_key() -> None:
    with running() as (alma, _):
        assert ask(alma, "GET", FEES).json == {"total_record_count": 0, "total_sum": 0, "currency": "USD"}


def test_amounts_travel_as_numbers_and_the_currency_stands_on_the_list_only() -> None:
    with running() as (alma, _):
        charged(alma, 2223)
        charged(alma, 50)
        listed = ask(alma, "GET", FEES)
        single = ask(alma, "GET", f"{FEES}/{listed.json['fee'][0]['id']}")
    assert b'"balance":22.23,' in listed.body
    assert b'"balance":0.5,' in listed.body
    assert b'"total_sum":22.73,' in listed.body
    assert listed.json["currency"] == "USD"
    assert "currency" not in single.json
    assert "transaction" not in single.json
    assert "bursar_transaction_id" not in single.json


def test_one_call_lists_one_status_and_the_active_ones_if_none_is_named() -> None:
    with running() as (alma, _):
        active, sent = charged(alma), exported(alma)
        by_default = ask(alma, "GET", FEES).json["fee"]
        transferred = ask(alma, "GET", FEES, status="EXPORTED").json["fee"]
        wrong = ask(alma, "GET", FEES, status="OPEN")
    assert [fee["id"] for fee in by_default] == [active.fee_id]
    assert [fee["bursar_transaction_id"] for fee in transferred] == [sent.bursar_id]
    assert (wrong.status, wrong.code) == (400, "401666")


def test_the_exact_id_type_tells_two_people_apart_and_all_unique_does_not() -> None:
    with running() as (alma, _):
        other = alma.world.add_user(User("other@box.example", (("02", "B-77"),)))
        alma.world.add_fee(other, "OTHER", 500)
        exact = ask(alma, "GET", "/users/B-77/fees", user_id_type="02").json
        anyone = ask(alma, "GET", "/users/B-77/fees").json
        primary = ask(alma, "GET", "/users/OTHER%40box.example/fees", user_id_type="userName").json
    assert exact["total_sum"] == 5
    assert anyone["total_sum"] == 0
    assert primary["total_sum"] == 5


def test_who_is_not_found_has_another_code_with_each_call() -> None:
    with running() as (alma, _):
        assert ask(alma, "GET", "/users/nobody/fees").code == "401651"
        assert ask(alma, "GET", "/users/nobody").code == "401861"
        assert ask(alma, "GET", "/users/nobody", user_id_type="02").code == "401890"
        assert ask(alma, "GET", f"{FEES}/123").code == "401665"


def test_an_id_with_a_slash_and_a_plus_finds_its_patron() -> None:
    with running() as (alma, _):
        alma.world.add_user(User("a/b+c d@x"))
        assert ask(alma, "GET", "/users/a%2Fb%2Bc%20d%40x").json["primary_id"] == "a/b+c d@x"


def test_a_part_payment_leaves_the_fee_active_and_the_rest_closes_it() -> None:
    with running() as (alma, _):
        fee = charged(alma, 2500)
        first = pay(alma, fee, "2.77", "BP1-01").json
        second = pay(alma, fee, "22.23", "BP2-01", comment="run 1").json
    assert (first["status"]["value"], first["balance"]) == ("ACTIVE", 22.23)
    assert (second["status"]["value"], second["balance"]) == ("CLOSED", 0)
    paid = second["transaction"][1]
    assert (paid["amount"], paid["external_transaction_id"], paid["comment"]) == (22.23, "BP2-01", "run 1")
    assert paid["payment_method"] == {"value": "ONLINE", "desc": "Online"}
    assert [entry.request.cents for entry in alma.world.applied] == [277, 2223]


def test_equal_requests_are_two_payments() -> None:
    with running() as (alma, _):
        fee = charged(alma, 2500)
        pay(alma, fee, "1", "BP1-01")
        pay(alma, fee, "1", "BP1-01")
        assert alma.applied_for("BP1-01") == 2


@pytest.mark.parametrize(
    ("amount", "method"), [("ALL", "ONLINE"), ("-1", "ONLINE"), ("0", "CASH"), ("1.005", "CASH"), ("1", "CHECK")]
)
def test_a_payment_that_makes_no_sense_is_refused(amount: str, method: str) -> None:
    with running() as (alma, _):
        refused = pay(alma, charged(alma), amount, method=method)
        assert (refused.status, refused.code) == (400, "401666")
        assert alma.world.applied == []


def test_a_credit_cannot_be_paid() -> None:
    with running() as (alma, _):
        assert pay(alma, charged(alma, -500, "CREDIT"), "1").code == "401666"


def test_a_closed_fee_cannot_be_paid_again() -> None:
    with running() as (alma, _):
        fee = charged(alma, 100)
        pay(alma, fee, "1")
        again = pay(alma, fee, "1")
    assert again.status == 400
    assert "API does not support closed fees." in again.json["errorList"]["error"][0]["errorMessage"]


@pytest.mark.parametrize("get_closed", [True, False])
def test_a_closed_fee_can_be_read_or_not_as_the_switch_says(get_closed: bool) -> None:  # noqa: FBT001 - a switch
    with running(Switches(get_closed=get_closed, closed_code="401666")) as (alma, _):
        fee = charged(alma, 100)
        pay(alma, fee, "1")
        read = ask(alma, "GET", f"{FEES}/{fee.fee_id}")
        listed = ask(alma, "GET", FEES, status="CLOSED").json["fee"]
    assert read.status == (200 if get_closed else 400)
    assert get_closed or read.code == "401666"
    assert [row["id"] for row in listed] == [fee.fee_id]


@pytest.mark.parametrize("echo", [True, False])
def test_the_external_id_shows_or_not_as_the_switch_says(echo: bool) -> None:  # noqa: FBT001 - a switch
    with running(Switches(echo_external_id=echo)) as (alma, _):
        paid = pay(alma, charged(alma), "1", "BP1-01").json
        assert paid["transaction"][0].get("external_transaction_id") == ("BP1-01" if echo else None)
        assert alma.applied_for("BP1-01") == 1


@pytest.mark.parametrize(
    ("exported_as", "status", "balance", "paying"),
    [
        ("closed", "CLOSED", 0, 400),
        ("transferred_payable", "EXPORTED", 22.23, 200),
        ("transferred_unpayable", "EXPORTED", 22.23, 400),
    ],
)
def test_an_exported_fee_is_what_the_switch_says(exported_as: str, status: str, balance: float, paying: int) -> None:
    with running(Switches(exported=cast("Exported", exported_as))) as (alma, _):
        fee = exported(alma)
        listed = ask(alma, "GET", FEES, status=status).json["fee"]
        paid = pay(alma, fee, "22.23")
        assert [(row["id"], row["balance"]) for row in listed] == [(fee.fee_id, balance)]
        assert paid.status == paying
        assert alma.applied_for("BP1-01") == (1 if paying == 200 else 0)
        assert alma.world.fees[fee.fee_id].status == (
            "EXPORTED" if exported_as == "transferred_unpayable" else "CLOSED"
        )


@pytest.mark.parametrize("shows", [True, False])
def test_the_export_stands_among_the_transactions_or_not_as_the_switch_says(shows: bool) -> None:  # noqa: FBT001 - a switch
    with running(Switches(export_shows=shows)) as (alma, _):
        seen = ask(alma, "GET", f"{FEES}/{exported(alma).fee_id}").json
    told = [(row["type"]["value"], row["amount"]) for row in seen.get("transaction", [])]
    assert told == ([("EXPORTED", 22.23)] if shows else [])
    assert (seen["status"]["value"], seen["balance"]) == ("EXPORTED", 22.23)


@pytest.mark.parametrize(
    ("overpay", "status", "sums"),
    [("refuse", 400, {"X": 2223}), ("credit", 200, {"X": 0, "CREDIT": -777}), ("accept", 200, {"X": 0})],
)
def test_paying_too_much_does_what_the_switch_says(overpay: str, status: int, sums: dict[str, int]) -> None:
    with running(Switches(overpay=cast("Overpay", overpay))) as (alma, _):
        fee = charged(alma, 2223, "X")
        assert pay(alma, fee, "30").status == status
        assert {row.kind: row.balance_cents for row in alma.world.fees.values()} == sums
        assert len(alma.world.applied) == (0 if overpay == "refuse" else 1)


def test_waiving_disputing_and_restoring_work_simply() -> None:
    with running() as (alma, _):
        fee = charged(alma, 1000)
        path = f"{FEES}/{fee.fee_id}"
        assert ask(alma, "POST", path, op="dispute").json["status"]["value"] == "INDISPUTE"
        assert pay(alma, fee, "1").code == "401666"
        assert ask(alma, "POST", path, op="restore").json["status"]["value"] == "ACTIVE"
        assert ask(alma, "POST", path, op="restore").code == "401666"
        assert ask(alma, "POST", path, op="waive", amount="4").code == "401666"
        assert ask(alma, "POST", path, op="waive", amount="4", reason="OTHER").json["balance"] == 6
        assert ask(alma, "POST", path, op="erase").code == "401666"


def test_paying_everything_at_once_is_refused_loudly_and_written_down() -> None:
    with running() as (alma, _):
        charged(alma)
        refused = ask(alma, "POST", f"{FEES}/all", op="pay", amount="ALL", method="CASH")
        assert (refused.status, refused.code) == (400, "SANDBOX_FORBIDDEN")
        assert [entry.call for entry in alma.journal] == [Call.PAY_ALL]
        assert alma.world.applied == []


@pytest.mark.parametrize(("key", "status"), [("", 401), ("another", 403)])
def test_the_gateway_answers_a_wrong_key_in_xml_whatever_was_asked(key: str, status: int) -> None:
    with running() as (alma, _):
        refused = ask(alma, "GET", FEES, key=key)
        query = ask(alma, "GET", FEES, key="", apikey="key-of-the-test")
    root = xml(refused)
    assert refused.status == status
    assert root.findtext(f".//{NAMESPACE}errorMessage") == "Invalid API Key"
    assert query.status == 401


def test_without_a_word_about_json_alma_answers_in_xml() -> None:
    with running() as (alma, _):
        pay(alma, charged(alma, 7700), "22")
        listed = xml(ask(alma, "GET", FEES, accept="*/*"))
        refused = xml(ask(alma, "GET", "/users/nobody/fees", accept="application/xml"))
    assert (listed.get("total_sum"), listed.get("currency")) == ("55", "USD")
    assert listed.findtext("fee/balance") == "55"
    assert listed.findtext("fee/transactions/transaction/amount") == "22"
    kind = listed.find("fee/type")
    assert kind is not None
    assert (kind.text, kind.get("desc")) == ("OVERDUEFINE", "Overdue fine")
    assert refused.findtext(f".//{NAMESPACE}errorCode") == "401651"


def test_every_answer_says_how_many_requests_are_left_and_none_are_answered_after_the_last() -> None:
    with running() as (alma, _):
        alma.remaining = 2
        left = [ask(alma, "GET", FEES).headers["X-Exl-Api-Remaining"] for _ in range(2)]
        over = ask(alma, "GET", FEES)
    assert left == ["1", "0"]
    assert (over.status, over.code) == (429, "DAILY_THRESHOLD")


def test_more_requests_in_a_second_than_allowed_are_turned_away_until_the_next() -> None:
    with running(Switches(per_second=2)) as (alma, clock):
        first = [ask(alma, "GET", FEES).status for _ in range(3)]
        clock.sleep(1)
        assert [*first, ask(alma, "GET", FEES).status] == [200, 200, 429, 200]


def test_the_key_can_be_tried_and_a_strange_path_is_not_found() -> None:
    with running() as (alma, _):
        assert ask(alma, "GET", "/users/test").body == b"<test>GET - OK - institutionCode: 01SANDBOX_INST</test>"
        assert ask(alma, "POST", "/users/test").body == b"<test>POST - OK</test>"
        assert ask(alma, "GET", "/bibs/1").status == 404


def test_a_user_shows_every_identifier_with_its_type() -> None:
    with running() as (alma, _):
        charged(alma, 250)
        user = ask(alma, "GET", "/users/001234567", user_id_type="02").json
    assert user["primary_id"] == "ana@box.example"
    assert [(row["id_type"]["value"], row["value"]) for row in user["user_identifier"]] == list(STUDENT.identifiers)
    assert user["fees"]["value"] == 2.5


def test_the_report_of_transactions_counts_fees_and_covers_a_week_at_most() -> None:
    path = "/conf/utilities/fee-transactions"
    with running() as (alma, clock):
        for number in range(3):
            pay(alma, charged(alma, 1000), "1", f"BP{number}-01")
        today = ask(alma, "GET", path, limit="2").json
        clock.sleep(86_400)
        tomorrow = ask(alma, "GET", path).json
        both = ask(alma, "GET", path, transaction_from_date="2026-03-01", transaction_to_date="2026-03-03").json
        waived = ask(alma, "GET", path, transaction_from_date="2026-03-02", transaction_type="WAIVE").json
        long = ask(alma, "GET", path, transaction_from_date="2026-03-01", transaction_to_date="2026-03-09")
        wrong = ask(alma, "GET", path, transaction_type="REFUND")
        no_day = ask(alma, "GET", path, transaction_from_date="yesterday")
    assert (today["total_record_count"], len(today["fee"])) == (3, 2)
    assert "fee" not in tomorrow
    assert [fee["transaction"][0]["external_transaction_id"] for fee in both["fee"]] == ["BP0-01", "BP1-01", "BP2-01"]
    assert "fee" not in waived
    assert [refused.code for refused in (long, no_day, wrong)] == ["40166411", "40166411", "40166419"]


SILENT = (mischief.TIMEOUT, mischief.TIMEOUT_APPLIED, mischief.CUT_ANSWER)
SPOKEN = {
    mischief.TOO_MANY: (429, "PER_SECOND_THRESHOLD"),
    mischief.GENERAL_ERROR: (400, "402119"),
    mischief.GENERAL_ERROR_APPLIED: (400, "402119"),
    mischief.HTML_PAGE: (200, "text/html"),
    mischief.HTML_PAGE_APPLIED: (200, "text/html"),
    mischief.SERVER_ERROR: (500, "text/plain"),
    mischief.SERVER_ERROR_APPLIED: (500, "text/plain"),
    mischief.STALE_READ: (200, "application/json"),
}


@pytest.mark.parametrize("what", mischief.EVERY, ids=lambda what: f"{what.answer.name}-{what.applied}")
def test_every_misbehaviour_shows_the_caller_what_it_promises_and_does_what_it_hides(what: Mischief) -> None:
    with running() as (alma, _):
        fee = charged(alma)
        alma.mischiefs.order(what, call=Call.FEE_OP)
        if what in SILENT:
            with pytest.raises(Hung):
                pay(alma, fee, "22.23")
        else:
            seen = pay(alma, fee, "22.23")
            status, told = SPOKEN[what]
            assert seen.status == status
            assert told in seen.kind or told == seen.code
        assert alma.applied_for("BP1-01") == (1 if what.applied else 0)
        assert pay(alma, charged(alma), "1", "BP2-01").status == 200


def test_a_payment_whose_answer_was_lost_can_land_hours_later() -> None:
    with running(Switches(late_apply_s=7200)) as (alma, clock):
        fee = charged(alma)
        alma.mischiefs.order(mischief.TIMEOUT_APPLIED)
        with pytest.raises(Hung):
            pay(alma, fee, "22.23")
        clock.sleep(7199)
        before = alma.applied_for("BP1-01")
        clock.sleep(1)
        assert (before, alma.applied_for("BP1-01")) == (0, 1)
        assert alma.world.fees[fee.fee_id].status == "CLOSED"
        assert alma.journal[0].outcome == "done later"


def test_a_late_payment_is_dropped_when_the_fee_was_paid_meanwhile() -> None:
    with running(Switches(late_apply_s=60)) as (alma, clock):
        fee = charged(alma)
        alma.mischiefs.order(mischief.TIMEOUT_APPLIED)
        with pytest.raises(Hung):
            pay(alma, fee, "22.23", "BP1-01")
        pay(alma, fee, "22.23", "BP2-01")
        clock.sleep(60)
        assert (alma.applied_for("BP1-01"), alma.applied_for("BP2-01")) == (0, 1)


def test_a_late_payment_that_alma_would_refuse_at_once_never_lands() -> None:
    with running(Switches(late_apply_s=60)) as (alma, clock):
        fee = charged(alma)
        alma.mischiefs.order(mischief.TIMEOUT_APPLIED, mischief.TIMEOUT_APPLIED)
        for amount in ("22.23", "ALL"):
            with pytest.raises(Hung):
                pay(alma, fee, amount, method="CHECK")
        clock.sleep(60)
        assert alma.applied_for("BP1-01") == 0
        assert [entry.outcome for entry in alma.journal] == ["refused 401666"] * 2


def test_a_caller_that_hangs_up_harms_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    with running() as (alma, _):
        port = int(alma.url.rpartition(":")[2])
        for sent in (b"", b"GET /almaws", b"POST /almaws/v1/users/test HTTP/1.1\r\nContent-Length: 9\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", port)) as caller:
                caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                caller.sendall(sent)
        assert ask(alma, "GET", FEES).status == 200
    assert capsys.readouterr().err == ""


def test_a_caller_that_waits_for_nothing_does_not_keep_alma_from_stopping() -> None:
    with running() as (alma, _):
        port = int(alma.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
            ask(alma, "GET", FEES)
            alma.stop()
            assert caller.recv(1) == b""


def test_a_stale_read_does_not_know_the_last_payment() -> None:
    with running() as (alma, _):
        fee = charged(alma)
        pay(alma, fee, "22.23")
        alma.mischiefs.order(mischief.STALE_READ, call=Call.GET_FEE)
        alma.mischiefs.order(mischief.STALE_READ, call=Call.LIST_FEES)
        stale = ask(alma, "GET", f"{FEES}/{fee.fee_id}").json
        listed = ask(alma, "GET", FEES).json
        fresh = ask(alma, "GET", f"{FEES}/{fee.fee_id}").json
    assert (stale["status"]["value"], stale["balance"]) == ("ACTIVE", 22.23)
    assert listed["total_sum"] == 22.23
    assert (fresh["status"]["value"], fresh["balance"]) == ("CLOSED", 0)


def test_chance_follows_the_chooser_it_is_given_and_stops_when_told() -> None:
    def run() -> list[str]:
        with running() as (alma, _):
            alma.mischiefs.by_chance(random.Random(7), {mischief.TOO_MANY: 0.3, mischief.SERVER_ERROR: 0.3})
            for _number in range(20):
                ask(alma, "GET", FEES)
            alma.mischiefs.none()
            ask(alma, "GET", FEES)
            return [entry.mischief for entry in alma.journal]

    first = run()
    assert first == run()
    assert set(first) == {"", "429 PER_SECOND_THRESHOLD", "500"}
    assert first[-1] == ""


def test_the_journal_says_what_the_caller_saw_and_what_really_happened() -> None:
    with running() as (alma, _):
        fee = charged(alma)
        alma.mischiefs.order(mischief.GENERAL_ERROR_APPLIED)
        pay(alma, fee, "1", "BP1-01")
        pay(alma, fee, "99", "BP2-01")
        told = [(entry.call, entry.fee_id, entry.external_id, entry.status, entry.outcome) for entry in alma.journal]
    assert told == [
        (Call.FEE_OP, fee.fee_id, "BP1-01", 400, "done"),
        (Call.FEE_OP, fee.fee_id, "BP2-01", 400, "refused 401666"),
    ]


def test_many_callers_at_once_lose_no_cent() -> None:
    with running() as (alma, _):
        fee = charged(alma, 4000)
        callers = [threading.Thread(target=pay, args=(alma, fee, "1", f"BP{number}-01")) for number in range(40)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert alma.world.fees[fee.fee_id].balance_cents == 0
        assert len({entry.request.external_id for entry in alma.world.applied}) == 40


def test_a_stopped_alma_leaves_no_thread_and_can_be_started_again() -> None:
    before = set(threading.enumerate())
    with running() as (alma, _):
        ask(alma, "GET", FEES)
        alma.stop()
        assert set(threading.enumerate()) <= before
        with pytest.raises(RuntimeError, match="not running"):
            alma.url.strip()
        alma.start()
        assert ask(alma, "GET", FEES).status == 200


def test_what_alma_remembers_can_be_written_down_and_taken_up_again() -> None:
    with running() as (alma, _):
        fee = exported(alma)
        pay(alma, fee, "1", "BP1-01")
        state = alma.world.state()
    with running() as (again, _):
        again.world.restore_state(state)
        assert again.world.state() == state
        assert again.world.fees[fee.fee_id].balance_cents == 2123
        assert again.world.applied == [
            Applied(PayRequest(fee.fee_id, 100, "ONLINE", "BP1-01"), again.world.applied[0].time)
        ]
        assert again.world.new_id() not in again.world.fees
