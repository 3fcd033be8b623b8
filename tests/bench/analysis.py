"""How long the analysis of a run takes: 200 epochs, 10,000 validation samples, as recorded."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console

from lossmon import analysis
from lossmon.records import EpochRecord, LossSpec, SampleRecord, SampleSet
from lossmon.store import Store, open_store
from tests.store.made import OUTPUT, open_writer

EPOCHS, SAMPLES, CLASSES = 200, 10_000, 10


class Recorded(NamedTuple):
    """The samples of each epoch; `scores` of one epoch only, as an example."""

    loss: Any
    confidence: Any
    correct: Any
    scores: Any
    labels: Any


def report(console: Console) -> None:
    """Print the seconds that each part of the analysis takes."""
    run = _recorded()
    with tempfile.TemporaryDirectory() as folder, closing(_stored(run, Path(folder))) as store:
        _report(console, run, store)


def _report(console: Console, run: Recorded, store: Store) -> None:
    parts: dict[str, Callable[[], Any]] = {
        "reading all samples": lambda: store.sample_records("latest"),
        "explanation, naming samples": lambda: _explained(store),
        "turned samples": lambda: _turned(store),
        "divergence episodes": lambda: _episodes(run),
        "right, wrong, worst 1 %, turned samples": lambda: _decomposed(run),
        "calibration, both binnings, debiased, Brier": lambda: _calibrated(run),
        "intervals of loss and accuracy": lambda: _intervals(run),
    }
    seconds = {name: _seconds(work) for name, work in parts.items()}
    for name, taken in seconds.items():
        console.print(f"{name}: {taken:.2f} s")
    console.print(
        f"analysis of {EPOCHS} epochs × {SAMPLES:,} samples: {sum(seconds.values()):.2f} s"
    )
    scaled = _seconds(lambda: analysis.fit_temperature(run.scores, run.labels))
    console.print(f"temperature of one epoch, {CLASSES} classes: {scaled * 1e3:.0f} ms")
    pair = _seconds(lambda: analysis.paired_bootstrap(run.loss[0], run.loss[-1]))
    console.print(f"paired bootstrap of two runs: {pair:.2f} s")


def _recorded() -> Recorded:
    rng = np.random.default_rng(0)
    skill = np.linspace(1.0, 6.0, EPOCHS)[:, None]
    truth = rng.normal(1.0, 1.0, SAMPLES)
    odds = skill * (truth + 0.1 * rng.normal(size=(EPOCHS, SAMPLES)))
    loss = np.logaddexp(0.0, -odds)
    confidence = 1.0 / (1.0 + np.exp(-np.abs(odds)))
    scores = 2.0 * rng.normal(size=(SAMPLES, CLASSES))
    return Recorded(loss, confidence, odds > 0, scores, rng.integers(0, CLASSES, SAMPLES))


def _stored(run: Recorded, folder: Path) -> Store:
    """The same run in a database."""
    samples = SampleSet(np.arange(SAMPLES, dtype=np.uint64), "inputs", run.labels)
    writer = open_writer(folder / "runs.db")
    output = replace(OUTPUT, loss=LossSpec("sparse_categorical_crossentropy"), shape=(None, 2))
    writer.write(outputs=[output])
    for number in range(EPOCHS):
        loss, hits, sure = run.loss[number], run.correct[number], run.confidence[number]
        singles = (loss.astype(np.float32), hits, sure.astype(np.float32))
        record = SampleRecord(number, "val", None, *singles, hits.astype(np.int64), samples)
        row = EpochRecord(
            number,
            "val",
            None,
            0.0,
            n=SAMPLES,
            weight=float(SAMPLES),
            coverage=1.0,
            recomputed_loss=float(loss.mean()),
            loss_squares=float((loss**2).sum()),
            correct=float(hits.sum()),
            judged=float(SAMPLES),
            loss_correct=float(loss[hits].mean()),
            loss_wrong=float(loss[~hits].mean()),
        )
        writer.write(epochs=[row], samples=[record])
    writer.close()
    return open_store(folder / "runs.db")


def _explained(store: Store) -> None:
    document = store.run("latest")
    reader = store.sample_reader("latest")
    found = analysis.explain_divergence(document["epochs"], document["outputs"], reader)
    # A rise that nobody explains would be no measurement.
    assert any("positions" in cause.evidence for one in found for cause in one.causes)


def _turned(store: Store) -> None:
    first, last = store.sample_records("latest", [0, EPOCHS - 1])
    analysis.turned_samples(first, last)


def _episodes(run: Recorded) -> Any:
    errors = np.array([analysis.mean_error(loss) for loss in run.loss])
    hits = run.correct.mean(axis=1)
    error = np.sqrt(hits * (1.0 - hits) / SAMPLES)
    return analysis.find_episodes(errors[:, 0], errors[:, 1], hits, error)


def _decomposed(run: Recorded) -> None:
    for epoch in range(EPOCHS):
        analysis.right_and_wrong(run.loss[epoch], run.correct[epoch])
        analysis.worst_share(run.loss[epoch])
        before = max(epoch - 1, 0)
        analysis.turns(run.loss[before], run.correct[before], run.loss[epoch], run.correct[epoch])


def _calibrated(run: Recorded) -> None:
    for sure, hits in zip(run.confidence, run.correct, strict=True):
        analysis.calibration_gap(sure, hits)
        analysis.calibration_error(sure, hits)
        analysis.calibration_error(sure, hits, binning="mass")
        analysis.squared_calibration_error(sure, hits)
        analysis.brier(sure, hits)


def _intervals(run: Recorded) -> None:
    for loss, hits in zip(run.loss, run.correct, strict=True):
        analysis.mean_error(loss)
        analysis.wilson(int(hits.sum()), SAMPLES)


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
