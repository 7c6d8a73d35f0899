"""Pages for people: no script, no address outside, and no text out of a file that could act on its reader."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from pipeline import files
from pipeline.stages import printable
from pipeline.stages.morning import entry, masked

if TYPE_CHECKING:
    from jinja2 import Environment


@functools.cache
def environment(*folders: str) -> Environment:
    """Make the templates of these folders ready; every text is escaped and cleaned as it is put on a page."""
    import jinja2

    def shown(value: object) -> object:
        """Clean every text that is put on the page; what the templates made themselves is left as it is."""
        return printable.unlinked(value) if isinstance(value, str) and not hasattr(value, "__html__") else value

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader([files.resource(folder) for folder in folders]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(amount=printable.amount, masked=masked, entry=entry)
    return made
