"""What every test of this project shares: how hypothesis looks for counter-examples."""

from __future__ import annotations

import os

from hypothesis import settings

# No deadline: a busy machine is no bug.  In CI the same code gives the same verdict, so that red means the change.
settings.register_profile("desk", deadline=None)
settings.register_profile("ci", parent=settings.get_profile("desk"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")
