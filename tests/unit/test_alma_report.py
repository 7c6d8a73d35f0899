"""The fee-transactions report against a real server on loopback: what was asked, and what every answer comes to."""

from __future__ import annotations

import threading
from datetime import date
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from pipeline.adapters.alma import AlmaHttp, AlmaSettings
from pipeline.adapters.alma_report import AlmaReport
from pipeline.adapters.pace import Pace
from pipeline.adapters.quota import Quota
from pipeline.ports.outside import Busy, Refused
from tests.fakes.clock import FakeClock
from tests.fakes.loopback import Server, a_fee, errors, handler

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OURS = "BPABCDEFGHIJKLMNOP-01"
MONDAY, SUNDAY = date(2026, 3, 2), date(2026, 3, 8)


@pytest.fixture
def server() -> Iterator[Server]:
    known = Server()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(known)) as listening:
        known.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield known
        listening.shutdown()
        thread.join()


def an_alma(server: Server, quota: Quota | None = None, **settings: object) -> AlmaHttp:
    known = AlmaSettings(f"http://127.0.0.1:{server.port}", "a-key", **settings)  # type: ignore[arg-type]
    return AlmaHttp(known, Pace(1000, FakeClock(), quota))


def page(*fees: object, total: object) -> dict[str, object]:
    return {"fee": list(fees), "total_record_count": total, "currency": "USD"}


def test_a_page_is_one_question_for_a_hundred_fees_and_a_week(server: Server) -> None:
    server.say(body=page(a_fee((OURS, 2.77)), total=101))
    with an_alma(server) as alma:
        told = AlmaReport(alma.line).page(MONDAY, SUNDAY, 100)
    period = "transaction_from_date=2026-03-02&transaction_to_date=2026-03-08&transaction_type=PAYMENT"
    assert server.paths == [f"GET /almaws/v1/conf/utilities/fee-transactions?limit=100&offset=100&{period}"]
    (fee,) = told.fees
    assert (told.total, [(one.external_id, one.cents) for one in fee.transactions]) == (101, [(OURS, 277)])


def test_a_report_of_nothing_is_no_trouble(server: Server) -> None:
    server.say(body={"total_record_count": 0, "total_sum": 0.0})
    with an_alma(server) as alma:
        assert AlmaReport(alma.line).page(MONDAY, SUNDAY, 0).fees == ()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, page(a_fee(), total=0)),
        (200, page(a_fee(), total=True)),
        (200, page(a_fee(), total="1")),
        (200, page({"id": "1"}, total=1)),
        (200, b"<html>"),
        (400, errors("40166411")),
        (400, errors("402119")),
        (500, b""),
        (429, errors("PER_SECOND_THRESHOLD")),
    ],
)
def test_an_answer_that_cannot_be_believed_is_none(status: int, body: object, server: Server) -> None:
    server.say(status, body)
    with an_alma(server) as alma, pytest.raises(Busy):
        AlmaReport(alma.line).page(MONDAY, SUNDAY, 0)


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_may_not_read_it_is_refused(status: int, server: Server) -> None:
    server.say(status, b"")
    with an_alma(server) as alma, pytest.raises(Refused):
        AlmaReport(alma.line).page(MONDAY, SUNDAY, 0)


def test_another_institutions_fees_are_refused(server: Server) -> None:
    server.say(body=page(a_fee(), total=1))
    with an_alma(server, institution="9999") as alma, pytest.raises(Refused, match="another institution"):
        AlmaReport(alma.line).page(MONDAY, SUNDAY, 0)


def test_it_shares_the_reserve_and_the_days_calls_with_those_who_pay(server: Server, tmp_path: Path) -> None:
    server.say(200, a_fee(), X_Exl_Api_Remaining="7")
    with an_alma(server, reserve=10) as alma:
        alma.get_fee("jdoe", "userName", "1234560006761")
        with pytest.raises(Refused, match="only 7 requests are left"):
            AlmaReport(alma.line).page(MONDAY, SUNDAY, 0)
    server.say(200, a_fee())
    with an_alma(server, Quota(tmp_path / "calls", 1)) as alma:
        alma.get_fee("jdoe", "userName", "1234560006761")
        with pytest.raises(Refused, match="our 1 calls of today"):
            AlmaReport(alma.line).page(MONDAY, SUNDAY, 0)
    assert len(server.paths) == 2
