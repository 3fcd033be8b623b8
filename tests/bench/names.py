"""What the contenders are called."""

from __future__ import annotations

BARE, EMPTY, CSV, TENSORBOARD = "bare", "empty", "csv", "tensorboard"
OFF, AUTO, FULL = MONITORED = "off", "auto", "full"

LABELS = {
    BARE: "bare fit",
    EMPTY: "empty callback",
    CSV: "CSV line a batch",
    TENSORBOARD: "TensorBoard(update_freq=1)",
    OFF: 'lossmon verify="off"',
    AUTO: 'lossmon verify="auto"',
    FULL: 'lossmon verify="full"',
}
