"""The stages of a night, one verb each; each is found by its name when it runs, so that listing them costs nothing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def find(name: str) -> Callable[..., Any]:
    """Give the function ``name`` of the module ``name`` in this folder.

    Raises ModuleNotFoundError or AttributeError if there is none: a step of the night's tables is spelled wrong.
    """
    stage: Callable[..., Any] = getattr(import_module(f"{__name__}.{name}"), name)
    return stage
