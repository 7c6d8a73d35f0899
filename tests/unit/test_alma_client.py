"""The Alma client against a real server on loopback: what was asked, how often, and what every answer comes to."""

from __future__ import annotations

import json
import socket
import threading
from functools import partial
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.adapters.alma import AlmaHttp, AlmaSettings
from pipeline.adapters.alma_answer import UnreadableError, one_fee, trouble
from pipeline.adapters.pace import Pace
from pipeline.ports.outside import Busy, Lost, OutsideError, PayOrder, Refused
from tests.fakes.clock import FakeClock
from tests.fakes.loopback import FEE, Server, a_fee, errors, handler, xml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "l8xx-not-a-real-key"
OURS = "BPABCDEFGHIJKLMNOP-01"
PATRON = "we ird/id+1@x"


@pytest.fixture
def server() -> Iterator[Server]:
    known = Server()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(known)) as listening:
        known.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield known
        known.release.set()
        listening.shutdown()
        thread.join()


def client(server: Server, **settings: Any) -> AlmaHttp:
    given: dict[str, Any] = {"connect_s": 2.0, "read_s": 2.0} | settings
    return AlmaHttp(AlmaSettings(f"http://127.0.0.1:{server.port}/", KEY, **given), Pace(1000, FakeClock()))


@pytest.fixture
def alma(server: Server) -> Iterator[AlmaHttp]:
    with client(server) as made:
        yield made


def an_order(cents: int = 277, patron_id: str = PATRON, fee_id: str = FEE) -> PayOrder:
    return PayOrder(patron_id, "02", fee_id, cents, "CREDIT_CARD", OURS, "cashnet receipt 7 & 8")


def both_calls(alma: AlmaHttp) -> list[Callable[[], object]]:
    return [partial(alma.get_fee, "jdoe", "userName", FEE), partial(alma.pay, an_order())]


HTML = b"<html><body>Bad gateway: jdoe</body></html>"


def test_a_payment_is_one_post_with_everything_in_the_query_and_the_key_in_the_header(
    server: Server, alma: AlmaHttp
) -> None:
    server.say(body=a_fee((OURS, 2.77)))
    fee = alma.pay(an_order())
    query = (
        "user_id_type=02&op=pay&amount=2.77&method=CREDIT_CARD&comment=cashnet%20receipt%207%20%26%208"
        "&external_transaction_id=BPABCDEFGHIJKLMNOP-01"
    )
    assert server.paths == [f"POST /almaws/v1/users/we%20ird%2Fid%2B1%40x/fees/{FEE}?{query}"]
    (_, path, headers) = server.asked[0]
    assert headers["Authorization"] == f"apikey {KEY}"
    assert headers["Accept"] == "application/json"
    assert headers["Content-Length"] == "0"
    assert KEY not in path
    assert [(one.external_id, one.cents) for one in fee.transactions] == [(OURS, 277)]


def test_amounts_are_read_to_the_cent_whatever_a_float_would_make_of_them(server: Server, alma: AlmaHttp) -> None:
    server.say(body=b'{"id":"%s","status":{"value":"ACTIVE"},"balance":22.23,"original_amount":150.0}' % FEE.encode())
    fee = alma.get_fee("jdoe", "userName", FEE)
    assert (fee.balance_cents, fee.original_cents, fee.transactions, fee.bursar_id) == (2223, 15000, (), "")


def test_a_list_asks_for_one_status_by_the_exact_type_and_has_the_currency(server: Server, alma: AlmaHttp) -> None:
    server.say(body={"fee": [a_fee(bursar_transaction_id="B7")], "total_record_count": 1, "currency": "USD"})
    (fee,) = alma.list_fees("jdoe", "userName", "CLOSED")
    assert server.paths == ["GET /almaws/v1/users/jdoe/fees?user_id_type=userName&status=CLOSED"]
    assert (fee.bursar_id, fee.currency, fee.kind) == ("B7", "USD", "OVERDUEFINE")


def test_no_fees_is_a_list_without_the_word_fee(server: Server, alma: AlmaHttp) -> None:
    server.say(body={"total_record_count": 0, "total_sum": 0.0, "currency": "USD"})
    assert list(alma.list_fees("jdoe", "userName", "ACTIVE")) == []


def test_a_type_may_be_called_otherwise_here(server: Server) -> None:
    server.say(body={"total_record_count": 0})
    with client(server, id_types={"userName": "all_unique"}) as alma:
        alma.list_fees("jdoe", "userName", "ACTIVE")
    assert server.paths == ["GET /almaws/v1/users/jdoe/fees?user_id_type=all_unique&status=ACTIVE"]


LOST_PAYMENTS: dict[str, Callable[[Server], None]] = {
    "general error": lambda it: it.say(400, errors("402119")),
    "a code nobody named": lambda it: it.say(400, errors("999999")),
    "a refusal beside an unknown code": lambda it: it.say(400, errors("401666", "402119")),
    "an error without code": lambda it: it.say(400, {"errorsExist": True, "errorList": {"error": [{}]}}),
    "closed fees are not supported": lambda it: it.say(400, errors("401999", message="does not support closed fees")),
    "a bad request without words": lambda it: it.say(400, b""),
    "not found": lambda it: it.say(404, b""),
    "server error": lambda it: it.say(500, errors("401666")),
    "a threshold with a server error": lambda it: it.say(500, errors("PER_SECOND_THRESHOLD")),
    "a threshold beside an unknown code": lambda it: it.say(400, errors("DAILY_THRESHOLD", "402119")),
    "a threshold with 200": lambda it: it.say(200, errors("DAILY_THRESHOLD")),
    "gateway time-out": lambda it: it.say(504, HTML),
    "a redirect": lambda it: it.say(307, b"", Location="http://127.0.0.1:9/elsewhere"),
    "a page with 200": lambda it: it.say(200, HTML),
    "an XML error with 200": lambda it: it.say(200, xml("401666")),
    "an error list with 200": lambda it: it.say(200, errors("401666")),
    "nothing with 200": lambda it: it.say(200, b""),
    "a cut answer": lambda it: it.say(200, a_fee((OURS, 2.77)), how="cut"),
    "a connection closed without answer": lambda it: it.say(how="silent"),
    "a slow answer": lambda it: it.say(how="slow"),
    "half a number": lambda it: it.say(200, b'{"id":"%s","balance":1' % FEE.encode()),
    "no transaction": lambda it: it.say(200, a_fee()),
    "another id": lambda it: it.say(200, a_fee(("BPZZZZZZZZZZZZZZZZ-01", 2.77))),
    "our id with other cents": lambda it: it.say(200, a_fee((OURS, 2.76))),
    "another fee": lambda it: it.say(200, a_fee((OURS, 2.77), fee_id="1230006761")),
    "a fraction of a cent": lambda it: it.say(200, a_fee((OURS, 2.77), balance=1.005)),
    "a number that fills the memory": lambda it: it.say(
        200, json.dumps(a_fee((OURS, 2.77), balance=7)).replace('"balance": 7', '"balance": 1e999999999').encode()
    ),
    "a nest without end": lambda it: it.say(200, b"[" * 100_000),
    "not a number": lambda it: it.say(200, a_fee((OURS, 2.77), balance=float("nan"))),
}


@pytest.mark.parametrize("case", LOST_PAYMENTS)
def test_whatever_is_not_known_to_be_otherwise_is_lost_after_exactly_one_request(case: str, server: Server) -> None:
    LOST_PAYMENTS[case](server)
    with client(server, read_s=0.2) as alma, pytest.raises(Lost) as lost:
        alma.pay(an_order())
    assert len(server.paths) == 1
    assert_says_nothing_private(lost.value)


@pytest.mark.parametrize("code", ["401651", "401861", "401890", "401665", "401666", "60340", "60258"])
@pytest.mark.parametrize("as_xml", [False, True])
def test_a_named_refusal_is_refused_for_this_row(code: str, server: Server, alma: AlmaHttp, *, as_xml: bool) -> None:
    server.say(400, xml(code) if as_xml else errors(code))
    with pytest.raises(Refused) as refused:
        alma.pay(an_order())
    assert (refused.value.code, refused.value.scope) == (code, "row")
    assert code in str(refused.value)
    assert "tracking id E01-" in str(refused.value)
    assert_says_nothing_private(refused.value)
    assert len(server.paths) == 1


@pytest.mark.parametrize("shape", ["list", "single", "wrapped"])
def test_an_error_is_read_in_every_shape_seen(shape: str) -> None:
    (one,) = errors("401651")["errorList"]["error"]  # type: ignore[index]
    whole = {"list": {"errorList": {"error": [one]}}, "single": {"errorList": {"error": one}}}
    whole["wrapped"] = {"web_service_result": whole["single"]}
    assert str(trouble(json.dumps(whole[shape]).encode())) == "401651, tracking id E01-0101-ABCDE"


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("body", [HTML, xml("UNAUTHORIZED", "Invalid API Key"), b""])
def test_a_refused_key_stops_everything(status: int, body: bytes, server: Server, alma: AlmaHttp) -> None:
    for _ in range(2):
        server.say(status, body)
    for call in both_calls(alma):
        with pytest.raises(Refused) as refused:
            call()
        assert refused.value.scope == "system"
        assert_says_nothing_private(refused.value)
    assert len(server.paths) == 2


def test_a_bad_key_said_with_400_stops_everything_when_it_answers_a_question(server: Server, alma: AlmaHttp) -> None:
    server.say(400, xml("INVALID_REQUEST", "Invalid API Key"))
    with pytest.raises(Refused) as refused:
        alma.get_fee("jdoe", "userName", FEE)
    assert refused.value.scope == "system"


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (429, errors("PER_SECOND_THRESHOLD"), "PER_SECOND_THRESHOLD"),
        (429, xml("DAILY_THRESHOLD"), "DAILY_THRESHOLD"),
        (429, b"", "429"),
        (400, errors("DAILY_THRESHOLD"), "DAILY_THRESHOLD"),
        (400, xml("PER_SECOND_THRESHOLD"), "PER_SECOND_THRESHOLD"),
    ],
)
def test_too_many_requests_did_not_happen_and_carry_their_code(
    status: int, body: object, code: str, server: Server, alma: AlmaHttp
) -> None:
    server.say(status, body)
    with pytest.raises(Busy) as busy:
        alma.pay(an_order())
    assert getattr(busy.value, "code", "") == code
    assert len(server.paths) == 1


def test_after_too_many_requests_the_next_one_waits_a_second(server: Server) -> None:
    clock = FakeClock()
    settings = AlmaSettings(f"http://127.0.0.1:{server.port}", KEY)
    server.say(429, errors("PER_SECOND_THRESHOLD"))
    server.say(200, a_fee())
    with AlmaHttp(settings, Pace(10, clock)) as alma:
        with pytest.raises(Busy):
            alma.get_fee("jdoe", "userName", FEE)
        alma.get_fee("jdoe", "userName", FEE)
    assert clock.slept == [1.0]


def test_a_refused_connection_did_not_happen(server: Server) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers there
        settings = AlmaSettings(f"http://127.0.0.1:{taken.getsockname()[1]}", KEY)
        with AlmaHttp(settings, Pace(1000, FakeClock())) as alma:
            for call in both_calls(alma):
                with pytest.raises(Busy, match="no connection"):
                    call()


BUSY_READS: dict[str, Callable[[Server], None]] = {
    "general error": lambda it: it.say(400, errors("402119")),
    "unknown code": lambda it: it.say(400, errors("1")),
    "server error": lambda it: it.say(503, HTML),
    "not found": lambda it: it.say(404, b""),
    "a page with 200": lambda it: it.say(200, HTML),
    "a redirect": lambda it: it.say(302, b"", Location="http://127.0.0.1:9/elsewhere"),
    "a cut answer": lambda it: it.say(200, a_fee(), how="cut"),
    "no answer": lambda it: it.say(how="silent"),
    "a slow answer": lambda it: it.say(how="slow"),
    "another fee": lambda it: it.say(200, a_fee(fee_id="1230006761")),
    "no balance": lambda it: it.say(200, {"id": FEE, "status": {"value": "ACTIVE"}, "original_amount": 1}),
    "an id that is a number": lambda it: it.say(200, a_fee(fee_id=7)),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("case", BUSY_READS)
def test_a_question_without_a_good_answer_is_busy(case: str, server: Server) -> None:
    BUSY_READS[case](server)
    with client(server, read_s=0.2) as alma, pytest.raises(Busy) as busy:
        alma.get_fee("jdoe", "userName", FEE)
    assert_says_nothing_private(busy.value)
    assert len(server.paths) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"fee": [], "total_record_count": 2},
        {"fee": [a_fee()]},
        {"fee": "x"},
        {"fee": ["x"], "total_record_count": 1},
        HTML,
    ],
)
def test_a_list_that_may_be_cut_is_not_believed(body: object, server: Server, alma: AlmaHttp) -> None:
    server.say(200, body)
    with pytest.raises(Busy):
        alma.list_fees("jdoe", "userName", "ACTIVE")


def test_a_fee_not_shown_because_it_is_closed_says_so(server: Server, alma: AlmaHttp) -> None:
    server.say(400, errors("401700", message="Request failed: API does not support closed fees."))
    with pytest.raises(Refused) as refused:
        alma.get_fee("jdoe", "userName", FEE)
    assert (refused.value.code, refused.value.scope) == ("CLOSED-FEE", "row")


def test_an_unknown_patron_is_refused_for_this_row(server: Server, alma: AlmaHttp) -> None:
    server.say(400, errors("401651"))
    with pytest.raises(Refused) as refused:
        alma.list_fees("jdoe", "userName", "ACTIVE")
    assert (refused.value.code, refused.value.scope) == ("401651", "row")


def test_fees_of_another_patron_are_not_taken_for_his(server: Server, alma: AlmaHttp) -> None:
    listed = {"fee": [a_fee()], "total_record_count": 1}
    server.say(200, listed)
    server.say(200, listed)
    assert len(alma.list_fees("JDOE", "userName", "ACTIVE")) == 1
    with pytest.raises(Refused) as refused:
        alma.list_fees("someone", "userName", "ACTIVE")
    assert refused.value.code == "OTHER-PATRON"


def test_another_institutions_answer_stops_everything_and_nothing_is_paid_there(server: Server) -> None:
    server.say(200, a_fee())
    with client(server, institution="6421") as alma:
        for call in both_calls(alma):
            with pytest.raises(Refused) as refused:
                call()
            assert (refused.value.scope, refused.value.code) == ("system", "WRONG-INSTITUTION")
    assert len(server.paths) == 1


def test_the_reserve_of_the_day_is_left_to_others(server: Server) -> None:
    server.say(200, a_fee(), X_Exl_Api_Remaining="4999")
    with client(server, reserve=5000) as alma:
        alma.get_fee("jdoe", "userName", FEE)
        assert alma.remaining == 4999
        with pytest.raises(Refused) as refused:
            alma.pay(an_order())
    assert (refused.value.scope, refused.value.code) == ("system", "API-RESERVE")
    assert len(server.paths) == 1


@pytest.mark.parametrize("patron_id", ["", ".", ".."])
def test_a_patron_id_that_would_change_the_path_is_never_sent(patron_id: str, server: Server, alma: AlmaHttp) -> None:
    with pytest.raises(Refused, match="nothing was sent"):
        alma.pay(an_order(patron_id=patron_id))
    assert server.paths == []


@pytest.mark.parametrize("fee_id", ["all", "ALL", "", "../1", "1?op=waive", "1 2"])
def test_only_one_fee_is_ever_paid(fee_id: str, server: Server, alma: AlmaHttp) -> None:
    with pytest.raises(Refused, match="nothing was sent"):
        alma.pay(an_order(fee_id=fee_id))
    assert server.paths == []


def test_money_never_goes_back(server: Server, alma: AlmaHttp) -> None:
    with pytest.raises(Refused, match="none of the calls"):
        alma.pay(an_order(cents=-5))
    assert server.paths == []


@pytest.mark.parametrize("url", ["http://api-na.hosted.exlibrisgroup.com", "ftp://127.0.0.2"])
def test_the_key_is_never_sent_unencrypted(url: str) -> None:
    with pytest.raises(Refused, match="https"):
        AlmaHttp(AlmaSettings(url, KEY), Pace(5, FakeClock()))


@pytest.mark.parametrize("key", ["", "with blank", "line\n", "schlüssel"])
def test_a_key_that_cannot_be_one_is_named_and_not_shown(key: str) -> None:
    with pytest.raises(Refused, match="API key") as refused:
        AlmaHttp(AlmaSettings("https://127.0.0.1", key), Pace(5, FakeClock()))
    assert key not in str(refused.value) or not key


def test_settings_do_not_show_the_key() -> None:
    assert KEY not in repr(AlmaSettings("https://127.0.0.1", KEY))


def test_a_good_certificate_is_demanded(server: Server) -> None:
    settings = AlmaSettings(f"https://127.0.0.1:{server.port}", KEY, connect_s=1.0)
    with AlmaHttp(settings, Pace(1000, FakeClock())) as alma, pytest.raises(Busy, match="no connection"):
        alma.pay(an_order())
    assert server.paths == []


def test_a_fee_without_status_or_with_odd_parts_is_unreadable() -> None:
    good = a_fee()
    odd = [
        good | {"transaction": ""},
        good | {"transaction": {}},
        good | {"transaction": ["x"]},
        good | {"id": ""},
        good | {"status": None},
    ]
    for body in (b"[]", b"{}", b'{"id": "1"}', *(json.dumps(one).encode() for one in odd)):
        with pytest.raises(UnreadableError):
            one_fee(body)


def assert_says_nothing_private(error: OutsideError) -> None:
    """Neither the patron, in any spelling, nor the key, nor Alma's own words may stand in an error."""
    for private in (PATRON, "we%20ird", "jdoe", KEY, "not found", "Bad gateway"):
        assert private not in str(error)
