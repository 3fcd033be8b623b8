"""The demo: seven examples on real data, trained one after the other in this process."""

from __future__ import annotations

import os
import runpy
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console

from lossmon.errors import LossmonError, MissingExtra
from lossmon.store import open_store

EXAMPLES = (
    "digits_cnn",
    "breast_cancer_sigmoid",
    "diabetes_regression",
    "diabetes_accuracy",
    "breast_cancer_logits",
    "breast_cancer_softmax",
    "digits_overfit",
)
_PACKAGE = Path(__file__).parent
# Inside the package where a wheel was installed, beside it in a checkout.
_PLACES = (_PACKAGE / "examples", _PACKAGE.parent / "examples")


def run_demo(db: str | None, *, console: Console) -> list[str]:
    """Train the examples, with their progress on `console`, and record each as a run.

    Args:
        db: a SQLAlchemy URL or a path; None for the default database.
        console: where the progress is written.

    Returns:
        The ids of the runs that were recorded, in the order of `EXAMPLES`.

    Raises:
        MissingExtra: scikit-learn, which brings the data, or TensorFlow is not installed.
        LossmonError: this installation came without the examples.
        StoreError: nothing was recorded, because the database cannot be used.
    """
    scripts = [examples_directory() / f"{name}.py" for name in EXAMPLES]
    with console.status("loading Keras"):
        keras = _load_keras()
    begun = datetime.now(UTC)
    with _default_database(db):
        for number, script in enumerate(scripts, start=1):
            # Without the progress bars, what is left to read are the findings and the results.
            keras.config.disable_interactive_logging()
            _train(script, f"{number}/{len(scripts)} {script.stem}", console)
            # Puts the logging back as it was by default as well.
            keras.utils.clear_session()
    return _recorded_since(begun, db)


def examples_directory() -> Path:
    """The directory of the example scripts.

    Raises:
        LossmonError: this installation came without them.
    """
    for place in _PLACES:
        if all((place / f"{name}.py").is_file() for name in EXAMPLES):
            return place
    looked_at = " and ".join(map(str, _PLACES))
    raise LossmonError(
        f"the demo's example scripts must be installed with lossmon. Received: none in {looked_at}."
        " Fix: pip install --force-reinstall --no-deps lossmon"
    )


@contextmanager
def _default_database(db: str | None) -> Generator[None]:
    # The examples call `Monitor` without a database, as any program would.
    before = os.environ.get("LOSSMON_DB")
    if db is not None:
        os.environ["LOSSMON_DB"] = db
    try:
        yield
    finally:
        os.environ.pop("LOSSMON_DB", None)
        if before is not None:
            os.environ["LOSSMON_DB"] = before


def _load_keras() -> Any:
    if find_spec("sklearn") is None:
        raise MissingExtra("scikit-learn", "the demo's data", "demo")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        return import_module("keras")
    except ModuleNotFoundError as error:
        if error.name != "tensorflow":
            raise
        raise MissingExtra("tensorflow", "the demo's training", "tensorflow") from error


def _train(script: Path, title: str, console: Console) -> None:
    started = time.perf_counter()
    console.print(f"[bold]{title}[/]", highlight=False)
    with console.status("training"):
        runpy.run_path(str(script), run_name="__main__")
    console.print(f"[dim]{time.perf_counter() - started:.1f} s[/]\n", highlight=False)


def _recorded_since(begun: datetime, db: str | None) -> list[str]:
    return [
        row["id"]
        for row in reversed(open_store(db).run_rows())
        if row["pid"] == os.getpid() and datetime.fromisoformat(row["started"]) >= begun
    ]
