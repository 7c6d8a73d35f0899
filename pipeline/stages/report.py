"""The morning report: one page that says in one word whether the night is right, and a workbook with every row.

The page needs nothing but itself: no script, no address outside, all text out of files escaped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import files
from pipeline.stages import pages, printable
from pipeline.stages.morning import named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.flow.runner import Work
    from pipeline.money import Tally
    from pipeline.stages.morning import HeldGroup, HeldRow, Morning

MOST_ROWS = 500
"""Rows of held fees on the page, and rows of any other table; the workbook has all."""

FOLDER = "templates/report"


def html(morning: Morning) -> str:
    """Write the page.  A table too long for a page is cut at MOST_ROWS, and the page says so."""
    template = pages.environment(FOLDER).get_template("morning.html.j2")
    return template.render(
        morning=morning,
        day=_day(morning),
        fees=named(morning.totals),
        money=named(morning.payments),
        attention=_attention(morning),
        held=list(_cut(morning.held)),
        most=MOST_ROWS,
    )


def xlsx(morning: Morning) -> bytes:
    """Write the workbook: every row, nothing cut.  The same night gives the same bytes."""
    from pipeline.stages import workbook

    return workbook.write(morning)


def summary_text(morning: Morning) -> str:
    """Write the night in a few lines for the terminal: counts and amounts, no patron, ending in a line feed."""
    lines = [f"{morning.campus}, {morning.environment}, {morning.business_date}, run {morning.run}: {morning.verdict}"]
    lines += [f"  shadow    nothing was let out; files lie in {morning.kept_in}"] if morning.kept_in is not None else []
    lines += [f"  books     {line}" for line in morning.wrong]
    lines += [f"  {name:<9} {_figures(tally, morning)}" for name, tally in named(morning.totals)]
    for one in morning.outputs:
        lines.append(f"  file      {one.system}/{one.kind} {one.name}: {_figures(one.total, morning)}, {one.state}")
    for group in morning.held:
        lines.append(f"  {group.box:<9} {group.code}: {_figures(group.total, morning)}")
    lines += [f"  payments  {name}: {_figures(tally, morning)}" for name, tally in named(morning.payments)]
    lines += [f"  doubt     {one.external_id}: {printable.amount(one.cents)}, {one.age}" for one in morning.doubts]
    lines += [f"  tasks     {count} for {age}" for age, count in morning.task_ages]
    lines += [f"  refused   {file.name}: {file.code}" for file in morning.refused]
    lines += [f"  missing   {sentence}" for sentence in morning.missing]
    lines += [f"  stop      {finding.code} {finding.subject}" for finding in morning.stops]
    return "\n".join(" ".join(printable.text(line).split("\n")) for line in lines) + "\n"


def _figures(tally: Tally, morning: Morning) -> str:
    return f"{tally.count} {'row' if tally.count == 1 else 'rows'}, {printable.amount(tally.cents)} {morning.currency}"


def _day(morning: Morning) -> str:
    day = morning.business_date
    return f"{day:%A}, {day.day} {day:%B} {day.year}"


def _attention(morning: Morning) -> list[tuple[int, str, str]]:
    """What somebody must look at: how many, of what (in words that follow a number), and where on the page."""
    held = sum(group.total.count for group in morning.held if group.box == "held")
    found = [
        (len(morning.stops), "stop", "stops", "findings"),
        (len(morning.doubts), "payment in doubt", "payments in doubt", "doubts"),
        (len(morning.tasks), "task for staff", "tasks for staff", "tasks"),
        (len(morning.unposted), "payment not posted", "payments not posted", "payments"),
        (held, "fee held", "fees held", "held"),
        (len(morning.refused), "file refused", "files refused", "refused"),
        (len(morning.missing), "thing that did not arrive", "things that did not arrive", "missing"),
    ]
    return [(number, one if number == 1 else many, place) for number, one, many, place in found if number]


def _cut(groups: Sequence[HeldGroup]) -> Iterator[tuple[HeldGroup, Sequence[HeldRow]]]:
    """Give every group, with as many of its rows as the page still has room for."""
    room = MOST_ROWS
    for group in groups:
        shown = group.rows[:room]
        room -= len(shown)
        yield group, shown


def report(work: Work) -> None:
    """Write the page and the workbook of the night into the run's folder."""
    from pipeline.stages.gather import gather

    morning = gather(work)
    folder = work.folder.parent
    files.replace(folder / "report.html", [html(morning).encode()])
    files.replace(folder / "report.xlsx", [xlsx(morning)])
