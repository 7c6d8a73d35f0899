"""The pages say what the code does: what repeats the code is compared with it, and every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import pipeline
from pipeline import nightly
from pipeline.findings import catalogue
from pipeline.layouts.load import names
from pipeline.nightly import plan_text
from tests.drift.generated import PAGES, PART, PARTS, renewed
from tests.drift.test_make import PROMISED

TOP = Path(__file__).parents[2]
ALL_PAGES = [*PAGES, "docs/charges.md", "docs/returned.md", "docs/how-it-stays-right.md", "CHANGELOG.md"]
README = (TOP / "README.md").read_text("utf-8")
OPERATIONS = (TOP / "docs/operations.md").read_text("utf-8")

LINK = re.compile(r"\]\((?P<page>[^)#:]*)(?:#(?P<place>[^)]*))?\)")
MACHINE = re.compile(r"(?<![\w.])/(?:work|tmp|home|root|Users)/|https?://(?:localhost|pypi|files\.pythonhosted)")


def text(page: str) -> str:
    return (TOP / page).read_text("utf-8")


def anchors(page: str) -> set[str]:
    """Name the headings of a page as links name them."""
    heads = re.findall(r"^#+ (.*)$", text(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def test_the_readme_begins_with_the_two_commands() -> None:
    first = [line.partition("#")[0].strip() for line in README.splitlines()[:4]]
    assert first == ["```sh", "make demo", "make test", "```"]


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_repeats_of_the_code_is_what_the_code_says(page: str) -> None:
    # If this fails: .venv/bin/python -m tests.drift.generated
    assert text(page) == renewed(text(page))


def test_every_part_that_is_made_stands_on_exactly_one_page() -> None:
    found = [part["name"] for page in PAGES for part in PART.finditer(text(page))]
    assert sorted(found) == sorted(PARTS)


def test_the_readme_s_night_is_the_one_that_plan_prints() -> None:
    assert f"```\n{plan_text().rstrip()}\n```" in README


@pytest.mark.parametrize("old", ["bring tonight's exports and reports home", "bursar plan", "`--approve NAME`"])
def test_a_page_that_has_drifted_is_seen(old: str) -> None:
    assert old in README
    drifted = "".join(
        README[part.start() : part.end()].replace(old, "something else") for part in PART.finditer(README)
    )
    assert renewed(drifted) != drifted


@pytest.mark.parametrize("page", ALL_PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    lost = []
    for link in LINK.finditer(text(page)):
        target = (TOP / page).parent / link["page"] if link["page"] else TOP / page
        known = (
            anchors(str(target.resolve().relative_to(TOP))) if link["place"] and target.is_file() else {link["place"]}
        )
        if not target.is_file() or link["place"] not in known:
            lost.append(link.group())
    assert lost == []


@pytest.mark.parametrize("page", ALL_PAGES)
def test_no_page_names_this_machine_or_a_registry(page: str) -> None:
    assert MACHINE.findall(text(page)) == []


@pytest.mark.parametrize("page", ALL_PAGES)
def test_every_file_of_ours_that_a_page_names_is_there(page: str) -> None:
    named = re.findall(r"`((?:pipeline|schemas|tests|docs|sample_data)/[\w./-]*)`", text(page))
    assert [name for name in named if not (TOP / name).exists()] == []


def test_every_layout_that_a_page_names_is_there() -> None:
    systems = "|".join(sorted({name.partition("/")[0] for name in names()}))
    named = {name for page in ALL_PAGES for name in re.findall(rf"`.*?((?:{systems})/[a-z0-9_]+)`", text(page))}
    assert named
    assert named - set(names()) == set()


def test_every_finding_that_a_page_names_is_in_the_catalogue() -> None:
    named = {code for page in ALL_PAGES for code in re.findall(r"`([A-Z]+(?:-[A-Z]+)+)`", PART.sub("", text(page)))}
    assert named
    assert named - set(catalogue()) == set()


def test_every_command_of_make_is_in_the_readme() -> None:
    assert [name for name in sorted(PROMISED - {"help"}) if f"make {name}" not in README] == []


def test_no_page_names_a_command_that_make_does_not_have() -> None:
    named = {name for page in ALL_PAGES for name in re.findall(r"`make ([a-z-]+)", text(page))}
    assert named - PROMISED == set()


@pytest.mark.parametrize("code", [nightly.NOTHING_NEW, nightly.SOMETHING_NEW, nightly.OPERATOR, nightly.LOCKED])
def test_every_exit_code_of_a_night_is_explained(code: int) -> None:
    assert re.search(rf"^\| {code} \| ", OPERATIONS, re.MULTILINE)
    (row,) = re.findall(r"^\| `night`, .*$", README, re.MULTILINE)
    assert re.search(rf"\b{code} ", row)


def test_the_changelog_has_this_version() -> None:
    assert f"\n## [{pipeline.__version__}] - " in text("CHANGELOG.md")
