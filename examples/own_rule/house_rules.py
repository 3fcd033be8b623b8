"""Labels are so uneven that an accuracy says little.

## What it does
Advises where an accuracy is printed for 0/1 labels of which one kind makes up 95 % or more.

## Why is this bad
A model that always gives the common answer is right that often, and the accuracy hardly moves when
the model learns what the rare samples look like.

## Example
```python
model.compile(loss="binary_crossentropy", metrics=["accuracy"])  # y.mean() is 0.02
```

## Use instead
```python
model.compile(loss="binary_crossentropy", metrics=[keras.metrics.AUC(curve="PR")])
```

## References
- [Keras AUC](https://keras.io/api/metrics/classification_metrics/#auc-class)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from lossmon import Finding
from lossmon.rules import Facts

code = "HOUSE101"
name = "accuracy-on-uneven-labels"
severity: Literal["error", "warning", "info"] = "warning"


def check(facts: Facts) -> Iterator[Finding]:
    """Find accuracies of outputs whose labels are nearly all the same."""
    for output in facts.outputs:
        labels = output.labels
        if labels is None or labels.mean is None or output.label_kind != "binary":
            continue
        common = max(labels.mean, 1 - labels.mean)
        printed = [metric.key for metric in output.metrics if "accuracy" in metric.name]
        if printed and 0.95 <= common < 1:
            message = f"{common:.1%} of the labels are the same; {printed[0]!r} begins there."
            fix = 'metrics=[keras.metrics.AUC(curve="PR")]'
            yield Finding(code, name, severity, output.name, message, fix, {"common": common})
