"""A run whose every validation sample is known, of a model that grew too sure."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossmon import recompute
from lossmon.analysis import fit_temperature, margins, summarise_margins
from lossmon.records import SampleRecord, SampleSet
from tests.analysis.trained import Row, recorded

N = 3000
SET = SampleSet(np.arange(N, dtype=np.uint64), "inputs")


def sampled(epoch: int, shares: Any, labels: Any, samples: SampleSet | None = SET) -> SampleRecord:
    verdicts = recompute.judge(labels, shares)
    losses = recompute.sparse_categorical_crossentropy(labels, shares)
    sure = verdicts.confidence.astype(np.float32)
    place = (epoch, "val", None, losses.astype(np.float32))
    return SampleRecord(*place, verdicts.correct, sure, verdicts.predicted, samples)


def overconfident() -> tuple[list[Row], dict[int, Any]]:
    """A model whose scores go on growing, twofold in the end, after all is known that can be."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=N)
    labels = (rng.random(N) < 1 / (1 + np.exp(-2 * truth))).astype(int)
    rows: list[Row] = []
    records: dict[int, Any] = {}
    for epoch in range(30):
        scale = 2 * (1 - np.exp(-epoch / 2)) + 0.2 * max(epoch - 10, 0)
        share = 1 / (1 + np.exp(-scale * (truth + 0.02 * rng.normal(size=N))))
        shares = np.stack([1 - share, share], axis=1)
        fitted = fit_temperature(np.log(shares), labels)
        rows.append(
            recorded(epoch, "val", shares, labels)
            | {
                "nll": fitted.loss,
                "temperature": fitted.temperature,
                "scaled_loss": fitted.scaled_loss,
                "margins": summarise_margins(
                    margins(shares, labels), shares.argmax(axis=1) == labels
                )._asdict(),
            }
        )
        records[epoch] = sampled(epoch, shares, labels)
    return rows, records


ROWS, RECORDS = overconfident()
