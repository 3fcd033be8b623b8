"""What a reader may choose to see of a training, and which columns that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

from lossmon_dashboard.figures.axis import AxisName

Detail = Literal["both", "epochs", "batches"]
Value = Literal["recomputed", "own", "reported", "all"]
Measure = Literal["loss", "accuracy"]

PREFIX: dict[Value, str] = {"recomputed": "recomputed_", "own": "", "reported": "reported_"}
"""How the columns begin that hold a value."""
SMOOTHING = (0, 10, 50, 200)
"""Over how many batches curves may be averaged; 0 for not at all."""
HISTORY_COLUMNS = (
    *("epoch", "split", "step"),
    *(prefix + measure for prefix in PREFIX.values() for measure in get_args(Measure)),
    "intended_accuracy",
)
"""The columns of epoch rows that the chart shows."""


class HistoryView(NamedTuple):
    """What the reader chose to see.

    Attributes:
        detail: epochs, batches or both.
        value: the recomputed value, Keras' own of the same span, the one it printed, or all three.
        log: logarithmic loss axis.
        output: name of the output; None for the model as a whole.
        axis: what the common axis counts: epochs, as Keras prints them, unless told otherwise.
        smooth: over about how many batches their curve is averaged; 0 for not at all.
    """

    detail: Detail = "both"
    value: Value = "recomputed"
    log: bool = False
    output: str | None = None
    axis: AxisName = "epoch"
    smooth: int = 0

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> HistoryView:
        """Read a view from an address; what is not understood is the default.

        Args:
            query: the parameters of the address.
        """
        details: dict[str | None, Detail] = {word: word for word in get_args(Detail)}
        values: dict[str | None, Value] = {word: word for word in get_args(Value)}
        axes: dict[str | None, AxisName] = {word: word for word in get_args(AxisName)}
        smoothing: dict[str | None, int] = {str(span): span for span in SMOOTHING}
        return cls(
            detail=details.get(query.get("detail"), "both"),
            value=values.get(query.get("value"), "recomputed"),
            log=query.get("scale") == "log",
            output=query.get("output"),
            axis=axes.get(query.get("axis"), "epoch"),
            smooth=smoothing.get(query.get("smooth"), 0),
        )

    def to_query(self) -> dict[str, str]:
        """Return the same as `from_query` reads it."""
        words = {"detail": self.detail, "value": self.value, "axis": self.axis}
        scale = {"scale": "log"} if self.log else {}
        output = {} if self.output is None else {"output": self.output}
        return {**words, "smooth": str(self.smooth), **scale, **output}


def batch_column(measure: Measure, view: HistoryView) -> str:
    """The column of the batch rows that a view shows, e.g. `recomputed_loss`."""
    return PREFIX.get(view.value, "recomputed_") + measure
