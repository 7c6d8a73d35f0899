"""An Alma that answers on this machine, and lies the way real ones do when it is told to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline.sandbox import alma_calls, export_job, shapes
from pipeline.sandbox.alma_calls import BASE, Desk, Request, Text, Tree
from pipeline.sandbox.alma_server import Reply, Wire
from pipeline.sandbox.analytics import Analytics
from pipeline.sandbox.mischief import Answer, Call, Mischief, Mischiefs
from pipeline.sandbox.records import AlmaError

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.sandbox.export_job import ExportJob, Loaded
    from pipeline.sandbox.world import World

REQUESTS_A_DAY = 498_668
JSON = "application/json;charset=UTF-8"
XML = "application/xml;charset=UTF-8"
HTML = (
    "<!DOCTYPE html><html><head><title>Scheduled maintenance</title></head><body>Please come back later.</body></html>"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the journal: which call, which fee and external id it was about, what really became of it.

    ``status`` is the HTTP status the caller saw, 0 if it saw none; ``mischief`` says what was done to it.
    """

    call: Call
    fee_id: str
    external_id: str
    status: int
    outcome: str
    mischief: str = ""


class Alma:
    """The Alma of the box: its world, its reports, its journal, and the address it answers at.

    ``start`` opens 127.0.0.1 at ``port`` (0: any free one), ``stop`` closes every connection and waits for all threads.
    """

    def __init__(self, world: World, key: str, *, port: int = 0) -> None:
        """Nothing answers before ``start``."""
        self.world = world
        self.analytics = Analytics()
        self.mischiefs = Mischiefs()
        self.journal: list[Entry] = []
        self.remaining = REQUESTS_A_DAY
        self._key = key
        self._port = port
        self._wire: Wire | None = None
        self._second = (0, 0)

    @property
    def url(self) -> str:
        """The address to give to a caller, without a path.  It does not change while the server runs."""
        if self._wire is None:
            message = "the Alma of the box is not running"
            raise RuntimeError(message)
        return f"http://127.0.0.1:{self._wire.port}"

    def start(self) -> None:
        """Begin to answer.  Raises OSError when the port is taken."""
        self._wire = Wire(self._port, self.handle)

    def stop(self) -> None:
        """Stop answering; nothing of it is left running."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def applied_for(self, external_id: str) -> int:
        """Count the payments of this external id that really happened, late ones included."""
        with self.world.lock:
            self.world.settle()
            return self.world.times_applied(external_id)

    def load_from_export(self, path: Path) -> Loaded:
        """Make the patrons and fees of an export file, as the export leaves them.  Doing it again changes nothing."""
        return export_job.load(self.world, path)

    def export(self, job: ExportJob, folder: Path) -> Path:
        """Run the bursar export: a new file in ``folder``, and its fees closed or transferred."""
        return export_job.export(self.world, job, folder)

    def handle(self, request: Request, authorization: str) -> Reply | None:
        """Answer one request, or give None to hang up.  Everything happens under the world's lock."""
        with self.world.lock:
            self.world.settle()
            refused = self._gate(request, authorization)
            if refused is not None:
                self._note(request, refused, "refused at the gateway")
                return refused
            mischief = self.mischiefs.next_for(request.call)
            return self._misled(request, mischief) if mischief else self._noted(request, stale=False)

    def _gate(self, request: Request, authorization: str) -> Reply | None:
        """The gateway in front of Alma speaks XML whatever was asked for."""
        if authorization != f"apikey {self._key}":
            code, status = ("INVALID_API_KEY", 403) if authorization else ("UNAUTHORIZED", 401)
            return self._refusal(AlmaError(code, "Invalid API Key"), status, "xml")
        if self.remaining <= 0:
            return self._refusal(
                AlmaError("DAILY_THRESHOLD", "Daily API Request Threshold has been reached"), 429, request.accept
            )
        self.remaining -= 1
        if self._too_fast():
            return self._too_many(request)
        if request.call is Call.UNKNOWN:
            return self._refusal(AlmaError("NOT_FOUND", "No such call"), 404, "xml")
        return None

    def _too_fast(self) -> bool:
        second = int(self.world.clock.now().timestamp())
        self._second = (second, self._second[1] + 1 if self._second[0] == second else 1)
        return 0 < self.world.switches.per_second < self._second[1]

    def _too_many(self, request: Request) -> Reply:
        refusal = AlmaError("PER_SECOND_THRESHOLD", "HTTP requests are more than allowed per second")
        return self._refusal(refusal, 429, request.accept)

    def _noted(self, request: Request, *, stale: bool) -> Reply:
        reply, outcome = self._done(request, stale=stale)
        self._note(request, reply, outcome, "stale" if stale else "")
        return reply

    def _done(self, request: Request, *, stale: bool) -> tuple[Reply, str]:
        """Do what was asked; the second part says what really became of it."""
        desk = Desk(self.world, self.analytics, f"{self.url}{BASE}", stale)
        try:
            found = alma_calls.answer(desk, request)
        except AlmaError as refusal:
            return self._refusal(refusal, 400, request.accept), f"refused {refusal.code}"
        return self._reply(*_written(found, request.accept)), "done"

    def _misled(self, request: Request, mischief: Mischief) -> Reply | None:
        """Do, or do not do, what was asked, and answer something else."""
        outcome = "not done"
        truth: Reply | None = None
        if mischief.answer is Answer.STALE:
            return self._noted(request, stale=True)
        if mischief.applied:
            late = self._late(request, mischief)
            truth, outcome = (None, "done later") if late else self._done(request, stale=False)
        shown = self._shown(request, mischief.answer, truth)
        self._note(request, shown, outcome, mischief.answer.value)
        return shown

    def _late(self, request: Request, mischief: Mischief) -> bool:
        if mischief.answer is not Answer.SILENCE or self.world.switches.late_apply_s <= 0:
            return False
        try:
            payment = alma_calls.pay_request(Desk(self.world, self.analytics, ""), request)
            if payment is not None:
                self.world.pay_later(payment)
        except AlmaError:
            return False
        return payment is not None

    def _shown(self, request: Request, answer: Answer, truth: Reply | None) -> Reply | None:
        match answer:
            case Answer.TOO_MANY:
                return self._too_many(request)
            case Answer.GENERAL_ERROR | Answer.NO_REPORT:
                status = 400 if answer is Answer.GENERAL_ERROR else 200
                return self._refusal(AlmaError("402119", "General error."), status, request.accept)
            case Answer.HTML:
                return self._reply(200, "text/html;charset=UTF-8", HTML)
            case Answer.SERVER_ERROR:
                return self._reply(500, "text/plain;charset=UTF-8", "Internal Server Error")
            case Answer.CUT if truth is not None:
                return replace(truth, cut=True)
            case _:
                return None

    def _refusal(self, refusal: AlmaError, status: int, accept: str) -> Reply:
        tracking_id = f"E01-0101000000-{len(self.journal):05d}-AWAE{self.remaining}"
        if "json" in accept:
            return self._reply(status, JSON, shapes.json_text(shapes.error(refusal, tracking_id)))
        return self._reply(status, XML, shapes.error_xml(refusal, tracking_id))

    def _reply(self, status: int, kind: str, body: str) -> Reply:
        return Reply(status, kind, body, {"X-Exl-Api-Remaining": str(self.remaining)})

    def _note(self, request: Request, reply: Reply | None, outcome: str, mischief: str = "") -> None:
        external_id = request.query.get("external_transaction_id", "")
        status = reply.status if reply else 0
        self.journal.append(Entry(request.call, request.fee_id, external_id, status, outcome, mischief))


def _written(found: Text | Tree, accept: str) -> tuple[int, str, str]:
    """Without a word about JSON, Alma answers XML."""
    if isinstance(found, Text):
        return 200, XML, found.xml
    if "json" in accept:
        return 200, JSON, shapes.json_text(found.value)
    return 200, XML, shapes.xml_text(found.root, found.value)
