"""What is installed is what was tried: everything pinned by hash, nothing undeclared, the wheel complete."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.drift.layers import imports

TOP = Path(__file__).parents[2]
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))
LOCK = (TOP / "requirements.lock").read_text("utf-8")
SHIPPED = ("schemas", "templates", "sample_data")

NAME = re.compile(r"[A-Za-z0-9._-]+")
PIN = re.compile(
    r"(?P<name>[a-z0-9.-]+)==(?P<version>[^ ]+)(?: ; [^\\]+)?(?P<hashes>(?: \\\n    --hash=sha256:[0-9a-f]{64})+)"
)


def plain(name: str) -> str:
    """Spell a distribution's name the one way the index does."""
    return re.sub(r"[-_.]+", "-", name).lower()


def asked(requirements: list[str]) -> set[str]:
    """Give the names out of requirements such as ``pandas>=3.0,<4``."""
    return {plain(found.group()) for one in requirements if (found := NAME.match(one))}


def runtime() -> set[str]:
    return asked(PROJECT["project"]["dependencies"])


def dev() -> set[str]:
    return asked(PROJECT["project"]["optional-dependencies"]["dev"])


def strange_lines(lock: str) -> list[str]:
    """Give the lines of a lock that are neither a pin with its hashes nor a comment."""
    rest = PIN.sub("", lock)
    return [line for line in rest.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def test_everything_asked_for_is_pinned_with_hashes() -> None:
    pinned = {found["name"] for found in PIN.finditer(LOCK)}
    backend = asked(PROJECT["build-system"]["requires"])
    assert (runtime() | dev() | backend) - pinned == set()


def test_every_line_of_the_lock_is_a_pin_with_hashes_or_a_comment() -> None:
    assert strange_lines(LOCK) == []


def test_the_lock_names_no_index_no_address_and_no_file() -> None:
    comments = [line for line in LOCK.splitlines() if line.lstrip().startswith("#")]
    assert [line for line in comments if re.search(r"://|/|\\|index|find-links", line)] == []


PLANTED = [
    "--index-url https://index.example.edu/simple",
    "--extra-index-url file:///opt/simple",
    "--find-links wheels",
    "-e .",
    "pandas==3.1.1",
    "pandas @ https://files.example.edu/pandas-3.1.1-py3-none-any.whl",
    "./wheels/pandas-3.1.1-py3-none-any.whl",
    "pandas>=3",
]


@pytest.mark.parametrize("line", PLANTED)
def test_a_line_that_leaks_an_address_or_lacks_a_hash_is_seen(line: str) -> None:
    assert strange_lines(f"{LOCK}{line}\n") == [line]


class _OnlyWhatRuns(ast.NodeTransformer):
    """What stands under ``if TYPE_CHECKING`` is for the type checker alone."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        name = node.test.id if isinstance(node.test, ast.Name) else ""
        return node.orelse if name == "TYPE_CHECKING" else self.generic_visit(node)


def running(tree: ast.Module) -> ast.Module:
    """Give the module without what only the type checker reads."""
    whole: ast.Module = _OnlyWhatRuns().visit(tree)
    return whole


owners_of_modules = cache(packages_distributions)


def imported(folder: str) -> set[str]:
    """Give the distributions whose modules the Python files below ``folder`` import when they run; ours left out."""
    trees = ((path, running(ast.parse(path.read_text("utf-8")))) for path in sorted((TOP / folder).rglob("*.py")))
    tops = {one.target.partition(".")[0] for path, tree in trees for one in imports(path.stem, tree)}
    owners = owners_of_modules()
    foreign = tops - set(sys.stdlib_module_names) - {"", "pipeline", "tests", "bench"}
    return {plain(owner) for top in foreign for owner in owners.get(top, [top])}


def test_the_pipeline_imports_only_what_it_declares() -> None:
    assert imported("pipeline") - runtime() == set()


def test_tests_and_bench_import_only_what_is_declared() -> None:
    assert (imported("tests") | imported("bench")) - runtime() - dev() == set()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as a release would, without the network."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(TOP)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr or done.stdout
    (built,) = out.glob("alma_bursar-*-py3-none-any.whl")
    return built


def test_the_wheel_holds_the_schemas_the_templates_and_the_sample_campuses(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        f"pipeline/_data/{path.relative_to(TOP).as_posix()}"
        for folder in SHIPPED
        for path in (TOP / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"pipeline/_data/schemas/findings.toml", "pipeline/_data/sample_data/export/campus.toml"} <= expected
    assert expected - inside == set()
    assert {"pipeline/py.typed", "pipeline/__main__.py"} <= inside
    assert [name for name in inside if name.startswith(("tests/", "bench/", "schemas/"))] == []


def test_the_wheel_installs_the_command_bursar(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (points,) = [name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt")]
        assert "bursar = pipeline.cli:main" in archive.read(points).decode()


def test_the_product_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pipeline import cli, files, findings\n"
        "assert callable(cli.main)\n"
        "assert findings.catalogue()\n"
        "print(files.resource('sample_data/export/campus.toml'))\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "pipeline/_data/sample_data/export/campus.toml")
