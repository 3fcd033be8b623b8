"""What all tests share: a quiet backend, and no database of the developer's own."""

from __future__ import annotations

import os
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.pop("LOSSMON_DB", None)
os.environ["LOSSMON_SPOOL"] = tempfile.mkdtemp(prefix="lossmon-spool-")
