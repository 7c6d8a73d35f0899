"""The house keeps its floors: imports point down only, and the command line answers without the heavy libraries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.drift.layers import FLOOR, violations

TOP = Path(__file__).parents[2]
HEAVY = ("great_expectations", "pandas", "numpy", "scipy", "pyarrow", "paramiko", "sqlalchemy", "httpx2", "openpyxl")


def modules() -> dict[str, Path]:
    """Name every module below pipeline/, a package's own file as ``….__init__``."""
    paths = sorted((TOP / "pipeline").rglob("*.py"))
    return {".".join(path.relative_to(TOP).with_suffix("").parts): path for path in paths}


def test_every_module_of_the_pipeline_imports_downwards_only() -> None:
    found = [one for name, path in modules().items() for one in violations(name, path.read_text("utf-8"))]
    assert found == []


def test_the_house_is_there_to_be_checked() -> None:
    rooms = {name.split(".")[1] for name in modules()} - {"__init__"}
    assert {"money", "tables", "files", "findings", "ports"} <= rooms <= set(FLOOR)


PLANTED = [
    ("pipeline.money", "import pipeline.tables", "pipeline.money:1: imports pipeline.tables, which lies above money"),
    ("pipeline.money", "from pipeline import cli", "pipeline.money:1: imports pipeline.cli, which lies above money"),
    (
        "pipeline.flow",
        "def run():\n    from pipeline.stages.sort import sort",
        "pipeline.flow:2: imports pipeline.stages.sort.sort, which lies above flow",
    ),
    (
        "pipeline.tables",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pipeline.findings import Finding",
        "pipeline.tables:3: imports pipeline.findings.Finding, which lies above tables",
    ),
    (
        "pipeline.ports.ledger",
        "from ..campus import Campus",
        "pipeline.ports.ledger:1: imports pipeline.campus.Campus, which lies above ports",
    ),
    (
        "pipeline.ports.__init__",
        "from .. import rules",
        "pipeline.ports.__init__:1: imports pipeline.rules, which lies above ports",
    ),
    (
        "pipeline.stages.post",
        "from pipeline.adapters.alma import Alma",
        "pipeline.stages.post:1: imports pipeline.adapters.alma.Alma; stages and adapters do not know of each other",
    ),
    (
        "pipeline.stages.post",
        "import pipeline.sandbox.alma",
        "pipeline.stages.post:1: imports pipeline.sandbox.alma; stages and sandbox do not know of each other",
    ),
    (
        "pipeline.adapters.sftp",
        "from pipeline.stages import publish",
        "pipeline.adapters.sftp:1: imports pipeline.stages.publish; adapters and stages do not know of each other",
    ),
    (
        "pipeline.sandbox.demo",
        "from pipeline.adapters import sftp",
        "pipeline.sandbox.demo:1: imports pipeline.adapters.sftp; sandbox and adapters do not know of each other",
    ),
    (
        "pipeline.flow",
        "import importlib\nimportlib.import_module('pipeline.stages.sort')",
        "pipeline.flow:2: imports pipeline.stages.sort, which lies above flow",
    ),
    (
        "pipeline.flow",
        "STEPS = {'sort': 'pipeline.stages.sort:sort'}",
        "pipeline.flow:1: imports pipeline.stages.sort.sort, which lies above flow",
    ),
    (
        "pipeline.helpers",
        "",
        "pipeline.helpers:1: helpers is not a room of the house; give it a floor in DESIGN and in this test",
    ),
    (
        "pipeline.flow",
        "from pipeline.helpers import run",
        "pipeline.flow:1: imports pipeline.helpers.run, which is not a room of the house",
    ),
    (
        "pipeline.flow",
        "import pipeline",
        "pipeline.flow:1: imports pipeline, which is not a room of the house",
    ),
    (
        "pipeline.__init__",
        "from pipeline.money import cents",
        "pipeline.__init__:1: imports pipeline.money.cents, which lies above pipeline itself",
    ),
    ("pipeline.stages.validate", "import great_expectations as gx", "only adapters may reach outside"),
    ("pipeline.nightly", "from sqlalchemy.engine import Engine", "only adapters may reach outside"),
    ("pipeline.cli", "def up():\n    import httpx2", "pipeline.cli:2: imports httpx2; only adapters may reach outside"),
    ("pipeline.stages.tell", "import smtplib", "only adapters may reach outside"),
    ("pipeline.sandbox.alma", "import httpx2", "only adapters may reach outside"),
    ("pipeline.stages.publish", "import paramiko", "only adapters and sandbox may reach outside"),
    ("pipeline.sandbox.sftp", "from paramiko import SFTPClient", "the sandbox may use paramiko's server half only"),
    ("pipeline.sandbox.sftp", "import paramiko\nparamiko.SSHClient()", "pipeline.sandbox.sftp:2: uses paramiko.SSHC"),
]


@pytest.mark.parametrize(("module", "source", "complaint"), PLANTED)
def test_a_planted_violation_is_named_with_its_place(module: str, source: str, complaint: str) -> None:
    (found,) = violations(module, source)
    assert found.startswith(f"{module}:")
    assert complaint in found


def test_every_violation_of_a_module_is_named_not_only_the_first() -> None:
    source = "import pipeline.cli\nfrom pipeline import flow, rules, money"
    assert [one.partition(", ")[0] for one in violations("pipeline.tables", source)] == [
        "pipeline.tables:1: imports pipeline.cli",
        "pipeline.tables:2: imports pipeline.flow",
        "pipeline.tables:2: imports pipeline.rules",
    ]


ALLOWED = [
    ("pipeline.__main__", "from pipeline.cli import main"),
    ("pipeline.cli", "from pipeline import __version__, nightly"),
    (
        "pipeline.nightly",
        "def real():\n    from pipeline.adapters.sftp import Sftp\n    from pipeline.stages import sort",
    ),
    (
        "pipeline.stages.sort",
        "from pipeline.stages import plain\nfrom . import other\nfrom pipeline.money import cents",
    ),
    ("pipeline.ports.__init__", "from .ledger import Ledger"),
    ("pipeline.ports.__init__", "from pipeline.ports.outside import Busy"),
    ("pipeline.adapters.alma", "import httpx2\nimport sqlalchemy as sa\nimport paramiko\nparamiko.SSHClient()"),
    ("pipeline.sandbox.sftp", "import paramiko\nparamiko.Transport\nfrom paramiko import ServerInterface"),
    ("pipeline.flow", "'''See pipeline.stages.sort, which does the work.'''\nimport json"),
]


@pytest.mark.parametrize(("module", "source"), ALLOWED)
def test_an_import_that_points_down_is_let_through(module: str, source: str) -> None:
    assert violations(module, source) == []


@pytest.mark.parametrize("start", [["-c", "import pipeline.cli"], ["-m", "pipeline", "--help"]])
def test_the_command_line_answers_without_the_heavy_libraries(start: list[str]) -> None:
    # Every import is listed on stderr as it happens, so nothing that was loaded on the way is missed.
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *start], cwd=TOP, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "pipeline.cli" in loaded
    assert [name for name in HEAVY if name in loaded] == []
