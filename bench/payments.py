"""Measures a clean night of 10,000 payments: requests for each, the rate achieved, and a real pace on this machine."""

from __future__ import annotations

import argparse
import http.client
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.pace import Pace
from tests.throughput import clean_night, most_in_a_second

FEWEST_REQUESTS, LEAST_RATE = 1.5, 0.95


def verdict(met: bool) -> str:  # noqa: FBT001 - it is what is asked
    """Say whether a goal was met."""
    return "met" if met else "NOT MET"


def on_a_virtual_clock(payments: int, patrons: int, rate: int) -> None:
    """Post and verify them all, and print what it took."""
    started = time.process_time()
    night = clean_night(payments, patrons, rate)
    calls = ", ".join(f"{count} {kind}" for kind, count in sorted(night.alma.calls.items()))
    print(
        f"{payments:,} payments of {patrons:,} patrons at {rate}/s: {calls}; {time.process_time() - started:.1f} s CPU"
    )
    per, fullest = night.per_payment, night.most_in_a_second
    print(
        f"  requests that look or pay, for each: {per:.2f}, goal {FEWEST_REQUESTS}: {verdict(per <= FEWEST_REQUESTS)}"
    )
    print(
        f"  achieved: {night.achieved:.1%} of the rate, goal {LEAST_RATE:.0%}: {verdict(night.achieved >= LEAST_RATE)}"
    )
    print(f"  fullest second: {fullest} calls, goal {rate}: {verdict(fullest <= rate)}")
    print(f"  verified by the report: {night.verified:,}; the night takes {night.seconds / 60:.0f} minutes")


def handler(arrived: list[datetime]) -> type[BaseHTTPRequestHandler]:
    """Make a server that notes when each request came."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            arrived.append(datetime.now(UTC))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    return Handler


def on_this_machine(rate: int, seconds: int) -> None:
    """Call a server on loopback at a pace, by the real clock, and print what the server saw."""
    arrived: list[datetime] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(arrived)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        pace, calls = Pace(rate, SystemClock()), rate * seconds
        line = http.client.HTTPConnection("127.0.0.1", server.server_address[1])
        for _ in range(calls):
            pace.slot()
            line.request("GET", "/")
            line.getresponse().read()
        line.close()
        server.shutdown()
        thread.join()
    achieved = (calls - 1) / (arrived[-1] - arrived[0]).total_seconds() / rate
    fullest = most_in_a_second(arrived)
    print(
        f"really, on loopback, {rate}/s for {seconds} s: {achieved:.1%} of the rate: {verdict(achieved >= LEAST_RATE)}"
    )
    print(f"  fullest second as the server saw it: {fullest} calls: {verdict(fullest <= rate)}")


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.payments", description=__doc__)
    parser.add_argument("--payments", type=int, default=10_000)
    parser.add_argument("--patrons", type=int, default=4_000)
    parser.add_argument("--rate", type=int, default=5, help="requests per second")
    chosen = parser.parse_args()
    on_a_virtual_clock(chosen.payments, chosen.patrons, chosen.rate)
    on_this_machine(chosen.rate, 10)
    on_this_machine(25, 10)


if __name__ == "__main__":
    main()
