"""What watches training: the only room that imports keras."""

from __future__ import annotations

import keras

from lossmon.capture.supported import demand_supported

# The imports that follow need what older versions lack.
demand_supported(keras.__version__)

from lossmon.capture.check import check  # noqa: E402
from lossmon.capture.monitor import Monitor  # noqa: E402

__all__ = ["Monitor", "check"]
