"""Who may import whom: imports point down only, and only the outermost rooms may touch the outside."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ORDER = (
    ("__main__",),
    ("cli",),
    ("nightly",),
    ("adapters", "stages", "sandbox"),
    ("flow",),
    ("rules",),
    ("readers",),
    ("campus",),
    ("layouts",),
    ("ports",),
    ("findings",),
    ("files",),
    ("tables",),
    ("money",),
)
"""The house from the top down; the rooms of one floor do not know of each other."""

FLOOR = {room: floor for floor, rooms in enumerate(ORDER) for room in rooms}
LOWEST = len(ORDER)  # pipeline/__init__.py, which everybody may ask for the version and which asks nobody

OUTSIDE = {
    "great_expectations": {"adapters"},
    "httpx2": {"adapters"},
    "paramiko": {"adapters", "sandbox"},
    "smtplib": {"adapters"},
    "sqlalchemy": {"adapters"},
}
"""Libraries that reach outside, and the rooms that may import them."""

CLIENT_HALF = {"paramiko.SSHClient", "paramiko.SFTPClient"}
"""What the sandbox may not take from paramiko: it is a server, never a client."""

SPELLED = re.compile(r"pipeline(?:\.[a-z_]\w*)+(?::\w+)?")
"""A module named in a string, as importlib takes it; it counts as an import."""


@dataclass(frozen=True, slots=True, order=True)
class Import:
    """One name that a module asks for, in full (``pipeline.files.sha256``), and the line where it does."""

    line: int
    target: str


def violations(module: str, source: str) -> list[str]:
    """Name every import of ``module`` that breaks the order, as ``module:line: what is wrong``; an empty list is good.

    ``module`` is the dotted name; a package's own file ends in ``.__init__``.  Raises SyntaxError for bad source.
    """
    room = _room(module)
    if room != "" and room not in FLOOR:
        return [f"{module}:1: {room} is not a room of the house; give it a floor in DESIGN and in this test"]
    found = sorted(set(imports(module, ast.parse(source))))
    complaints = ((one.line, _complaint(room, one.target)) for one in found)
    return [f"{module}:{line}: {complaint}" for line, complaint in complaints if complaint]


def imports(module: str, tree: ast.AST) -> Iterator[Import]:
    """List everything a module imports: at its top, inside functions, for types only, and by a name in a string."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node)
            yield from (Import(node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and SPELLED.fullmatch(node.value):
            yield Import(node.lineno, node.value.replace(":", "."))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "paramiko":
            yield Import(node.lineno, f"paramiko.{node.attr}")


def _absolute(module: str, node: ast.ImportFrom) -> str:
    """Say in full what ``from ..x import y`` means in ``module``."""
    if node.level == 0:
        return node.module or ""
    parent = module.split(".")[: -node.level]
    return ".".join([*parent, *([node.module] if node.module else [])])


def _room(module: str) -> str:
    """Give the room below ``pipeline`` that a dotted name lies in; "" for ``pipeline`` itself."""
    parts = [*module.split("."), ""]
    return "" if parts[1] == "__init__" else parts[1]


def _complaint(room: str, target: str) -> str:
    top = target.partition(".")[0]
    return _inside(room, target) if top == "pipeline" else _outside(room, top, target)


def _inside(room: str, target: str) -> str:
    wanted = _room(target)
    if target == "pipeline.__version__" or wanted == room != "":
        return ""
    if wanted not in FLOOR:
        return f"imports {target}, which is not a room of the house"
    drop = FLOOR[wanted] - FLOOR.get(room, LOWEST)
    if drop < 0:
        return f"imports {target}, which lies above {room or 'pipeline itself'}"
    return "" if drop else f"imports {target}; {room} and {wanted} do not know of each other"


def _outside(room: str, top: str, target: str) -> str:
    if top in OUTSIDE and room not in OUTSIDE[top]:
        return f"imports {target}; only {' and '.join(sorted(OUTSIDE[top]))} may reach outside"
    if room == "sandbox" and target in CLIENT_HALF:
        return f"uses {target}; the sandbox may use paramiko's server half only"
    return ""
