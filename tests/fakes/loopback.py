"""A web server on loopback that answers like Alma, word for word as a test tells it, and keeps what it was asked."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

FEE = "1234560006761"


@dataclass
class Answer:
    """What the server does with one request."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    how: str = "whole"


@dataclass
class Server:
    """A loopback Alma that does what the list says and keeps what it was asked."""

    answers: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    def say(self, status: int = 200, body: object = None, how: str = "whole", **headers: str) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers.append(Answer(status, raw, headers, how))

    @property
    def paths(self) -> list[str]:
        return [f"{method} {path}" for method, path, _ in self.asked]


def handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            server.asked.append((self.command, self.path, dict(self.headers)))
            answer = server.answers.pop(0)
            if answer.how == "slow":
                server.release.wait(10)
            if answer.how in ("slow", "silent"):
                self.close_connection = True
                return
            self.send_response(answer.status)
            cut = answer.how == "cut"
            self.send_header("Content-Length", str(len(answer.body) + (10 if cut else 0)))
            for name, value in answer.headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(answer.body)
            self.close_connection = cut

        do_GET = do_POST = answer  # noqa: N815 - the names http.server calls

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    return Handler


def a_fee(*payments: tuple[str, float], fee_id: str = FEE, balance: float = 22.23, **more: object) -> dict[str, object]:
    fee: dict[str, object] = {
        "id": fee_id,
        "type": {"value": "OVERDUEFINE", "desc": "Overdue fine"},
        "status": {"value": "ACTIVE", "desc": "Active"},
        "user_primary_id": {"value": "jdoe"},
        "balance": balance,
        "original_amount": 25,
        "title": None,
        "barcode": {"value": "93727"},
        "something_new": [1, 2],
    }
    if payments:
        fee["transaction"] = [
            {
                "type": {"value": "PAYMENT"},
                "amount": amount,
                "external_transaction_id": external_id,
                "transaction_time": "2026-11-10T16:59:50.978Z",
            }
            for external_id, amount in payments
        ]
    return fee | more


def errors(*codes: str, message: str = "User with identifier jdoe was not found") -> dict[str, object]:
    listed = [{"errorCode": code, "errorMessage": message, "trackingId": "E01-0101-ABCDE"} for code in codes]
    return {"errorsExist": True, "errorList": {"error": listed}, "result": None}


def xml(code: str, message: str = "jdoe is not known") -> bytes:
    return (
        '<?xml version="1.0"?><web_service_result xmlns="http://com/exlibris/urm/general/xmlbeans">'
        f"<errorsExist>true</errorsExist><errorList><error><errorCode>{code}</errorCode><errorMessage>{message}"
        "</errorMessage><trackingId>E01-77-XML</trackingId></error></errorList></web_service_result>"
    ).encode()
