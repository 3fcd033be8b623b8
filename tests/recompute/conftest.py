from __future__ import annotations

import os

from hypothesis import settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# The first eager call of each operation compiles kernels: no deadline can be fair to it.
settings.register_profile("recompute", deadline=None, max_examples=40, derandomize=True)
settings.load_profile("recompute")
