"""A made-up night with something in every corner of the report, and what its page and its few lines must say."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pipeline.findings import Finding
from pipeline.flow.books import Line
from pipeline.money import Tally
from pipeline.stages import report
from pipeline.stages.morning import (
    Doubt,
    HeldGroup,
    HeldRow,
    Morning,
    Output,
    PaymentTotals,
    RefusedFile,
    RunOfDay,
    ToDo,
    Totals,
    Unposted,
)

HERE = Path(__file__).parent
EXPORT = "exportTransactions-20261123-0200.xml"
_CHOICE = "no fee 9904; it may be for 4410098 (10.00, due 2026-11-30) or 4410099 (10.00, due 2026-12-15)"
_AGAIN = "create the fee again for patron …5566 with the comment reopens 4410012-2"


def night() -> Morning:
    """Balanced, with a file sent and one that is late, fees held and waiting, and money that is not in Alma yet."""
    return Morning(
        campus="Sample University Library",
        environment="production",
        currency="USD",
        business_date=date(2026, 11, 23),
        run="2026-11-23-1",
        balanced=True,
        equations=(
            Line("parse", EXPORT, Tally(1204, 2_318_850), Tally(1204, 2_318_850)),
            Line("normalise", "in = all boxes", Tally(1204, 2_318_850), Tally(1204, 2_318_850)),
            Line("compare", "open - known = passed + held", Tally(1199, 2_316_350), Tally(1199, 2_316_350)),
            Line(
                "render",
                "PS_LIBFINES_20261123_001.txt: rows = bytes read back",
                Tally(806, 1_650_000),
                Tally(806, 1_650_000),
            ),
        ),
        totals=Totals(
            read=Tally(1204, 2_318_850),
            sent=Tally(1190, 2_318_300),
            held=Tally(8, -3_150),
            waiting=Tally(1, 1_200),
            unchanged=Tally(4, 2_000),
            duplicate=Tally(1, 500),
        ),
        outputs=(
            Output(
                "peoplesoft",
                "charges",
                "PS_LIBFINES_20261123_001.txt",
                Tally(806, 1_650_000),
                "sent",
                "taken by the bursar at 04:12 after 83,824 bytes read back the same",
            ),
            Output(
                "cashnet",
                "open_items",
                "LIBFINES_OPENITEMS_20261123_001.csv",
                Tally(384, 668_300),
                "built",
                "not sent: the place could not be reached",
            ),
        ),
        refused=(RefusedFile("paid_20261122.csv", "PAYMENT-UNREADABLE", "ends in the middle of line 14"),),
        held=(_unmapped(), _credits(), _waiting()),
        payments=PaymentTotals(
            received=Tally(60, 101_275),
            posted=Tally(4, 9_000),
            verified=Tally(22, 47_750),
            recorded=Tally(1, 700),
            listed=Tally(2, 1_300),
            doubt=Tally(2, 2_000),
            held=Tally(2, 500),
            suspense=Tally(1, 1_000),
            tasked=Tally(2, -2_250),
            settled=Tally(1, 1_250),
            withdrawn=Tally(1, 0),
            cancelled=Tally(3, 0),
            known=Tally(19, 40_025),
        ),
        unposted=(
            Unposted("cashnet-88120034-1", "88120034", "cashnet", 2_500, "held", "OVERPAID", "10.00 more than is owed"),
            Unposted(
                "cashnet-88120041-2",
                "88120041",
                "cashnet",
                -2_000,
                "held",
                "REVERSAL-EARLY",
                "a refund of 20.00, and no payment yet that it takes back",
            ),
            Unposted("peoplesoft-771-4", "", "peoplesoft", 1_000, "suspense", "MATCH-UNKNOWN-FEE", _CHOICE, 12),
        ),
        tasks=(
            ToDo("unpay-cashnet-88120041-2-1", "unpay", "4410012", "4410012-2", "000445566", 2_000, _AGAIN, 34),
            ToDo("waive-peoplesoft-812-1-1", "waive", "4410013", "4410013", "ada", 250, "waive 2.50 of it in Alma", 1),
        ),
        runs=(
            RunOfDay("2026-11-23-01", "payments", 0, "0 files sent, 0 payments posted, 19 already known, 0 stops"),
            RunOfDay("2026-11-23-02", "night", None, "1 files sent, 4 payments posted"),
        ),
        doubts=(
            Doubt("BPK3J5QZ7M2LX4TWAB-01", 1_250, 7, "the answer was cut off"),
            Doubt("BPQ8N4YR1C6VDH0EGS-01", 750, 75, "Alma answered with a page instead of an answer"),
        ),
        findings=(
            Finding("SAME-AGAIN", "fee 4410098", "line 8812 says what line 120 says already", f"{EXPORT}, line 8812"),
            Finding("NIGHT-OUTSIDE", "cashnet", "sftp.bursar.example does not answer", "deliver"),
        ),
        second_opinion=(
            Finding(
                "GX-NOTE",
                "fees",
                "an amount is below 0.01 or above 10,000.00: 1 of 1199 rows (4410377)",
                "suite fees, amount-plausible",
            ),
        ),
        missing=("No paid file from peoplesoft since Thursday, 19 November 2026; one is expected every weekday.",),
    )


def _unmapped() -> HeldGroup:
    rows = (
        HeldRow("4410031", "000112233", EXPORT, 214, 2_500, "no rule for the fee type LOCKERKEY"),
        HeldRow("4410044", "000118812", EXPORT, 377, 2_500, "no rule for the fee type LOCKERKEY"),
        HeldRow(
            "4398817", "s.jorgensen", "exportTransactions-20261118-0200.xml", 9021, 1_050, "no rule for PHOTOCOPY", 5
        ),
    )
    return HeldGroup("held", "NORMALISE-UNMAPPED-TYPE", rows)


def _credits() -> HeldGroup:
    rows = (
        HeldRow("4410102", "000445566", EXPORT, 1288, -1_200, "a credit of 12.00 without its charge"),
        *(
            HeldRow(
                f"42000{n}", "000778899", "exportTransactions-20261001-0200.xml", n, -2_000, "a credit of 20.00", 53
            )
            for n in (11, 12)
        ),
        HeldRow("4300007", "77", "exportTransactions-20261110-0200.xml", 60, -2_000, "a credit of 20.00", 13),
        HeldRow("4300008", "ada", "exportTransactions-20261110-0200.xml", 74, -2_000, "a credit of 20.00", 13),
    )
    return HeldGroup("held", "CREDIT-UNRESOLVED", rows)


def _waiting() -> HeldGroup:
    row = HeldRow("4410555", "000990011", EXPORT, 5600, 1_200, "no term covers 2050-01-02")
    return HeldGroup("waiting", "CODE-NO-TERM", (row,))


def golden() -> dict[str, str]:
    """The files that must not change unless somebody wants them to, by their names."""
    return {"morning.html": report.html(night()), "morning.txt": report.summary_text(night())}


def rewrite() -> None:
    """Write the files anew; read the difference before you commit it."""
    for name, text in golden().items():
        (HERE / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    rewrite()
