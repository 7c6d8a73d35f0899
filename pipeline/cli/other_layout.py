"""Another layout on the same input: ``--layout peoplesoft=asu`` shows what a system's files would look like."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.cli.failures import UsageError
from pipeline.layouts.load import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.campus.load import Loaded
    from pipeline.campus.settings import System


def with_layouts(loaded: Loaded, said: Sequence[str]) -> Loaded:
    """Give the campus with other layouts; each of ``said`` is ``system=layout``, of the system's own family or in full.

    Raises UsageError for what is not so written, for a system there is none of, for a layout of files that come back,
    and for one that asks for constants which the campus does not give; LayoutError where there is no such layout.
    """
    systems = dict(loaded.campus.systems)
    for one in said:
        name, equals, wanted = one.partition("=")
        if not equals or name not in systems or not wanted:
            message = f"--layout {one}: say system=layout; the campus has the systems {', '.join(systems)}"
            raise UsageError(message)
        systems[name] = _with(loaded, systems[name], wanted, one)
    return replace(loaded, campus=loaded.campus.model_copy(update={"systems": systems}))


def _with(loaded: Loaded, system: System, wanted: str, said: str) -> System:
    full = wanted if "/" in wanted else f"{system.layout.partition('/')[0]}/{wanted}"
    layout = load(full, loaded.folder)
    if not layout.scope:
        message = f"--layout {said}: {full} is a layout of files that come back"
        raise UsageError(message)
    missing = sorted(layout.settings - set(system.constants))
    if missing:
        message = f"--layout {said}: {full} asks for {', '.join(missing)}; add it to constants of that system"
        raise UsageError(message)
    kept = {key: value for key, value in system.constants.items() if key in layout.settings | layout.options}
    reversals = system.reversals and "reversal" in layout.kinds
    return system.model_copy(update={"layout": full, "constants": kept, "reversals": reversals})
