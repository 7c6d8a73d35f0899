"""What every test of this project shares: how hypothesis looks for counter-examples, and how memory is swept."""

from __future__ import annotations

import gc
import os

import pandas as pd  # noqa: F401 - loaded before the sweep below, so that it need not be swept again and again
from hypothesis import settings

from tests.depth import deep

# No deadline: a busy machine is no bug.  In CI the same code gives the same verdict, so that red means the change.
settings.register_profile("desk", deadline=None, max_examples=deep(50))
settings.register_profile("ci", parent=settings.get_profile("desk"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")

# Half a million objects of libraries live as long as the tests do: to walk through them every few nights takes an
# eighth of the whole suite's time.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 50)
