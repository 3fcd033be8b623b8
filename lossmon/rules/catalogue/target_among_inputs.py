"""A column of the inputs holds the target.

## What it does
Flags an output whose target stands in a column of the inputs, be it in other numbers. Of a target
of two values, or one that a cross-entropy or hinge loss compares, that is a column with one value
in each class and another one in every class (scaled, encoded, `alive` beside `survived`), or the
one-hot columns of all classes, or all but one; 64 samples are asked for, and two classes with ten.
Of amounts it is a column that is the target in another unit, or its logarithm or exponential, in
each of 30 samples or more, to a ten thousandth of its range; only of tables whose columns have
names, for exercises make their targets of a column of numbers.

Tables and columns are looked at: of arrays samples from all over them, and a column that tells the
target there in all samples. Of datasets and loaders the first batch alone is, and classes need 512
samples there: a column that only foretells a class may agree in fewer. A model whose only input is
a single column is left alone, for a line or a curve may be what it is to learn; likewise a target
that is the input itself, models all of whose targets are among the inputs (autoencoders), inputs
that do not lead to that output, or through a layer of one's own, which may take labels for a loss,
tables of more than 32,768 columns, files that are mapped into memory, and tables whose values the
model looks up.

## Why is this bad
The model needs no more than to read that column. Training and validation are near perfect alike,
no overfitting shows, and where the column is only filled in when the answer is known, nothing was
learned of samples whose answer is not. Often the target was not dropped from the table.

## Example
```python
table = np.random.rand(100, 5)
table[:, 4] = table[:, 4] > 0.5
x, y = table, table[:, 4]
model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
```

## Use instead
```python
table = np.random.rand(100, 5)
table[:, 4] = table[:, 4] > 0.5
x, y = table[:, :4], table[:, 4]
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
```

## References
- Kaufman, Rosset and Perlich 2012, Leakage in data mining: formulation, detection, and avoidance
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.answer_facts import AnswerFacts
from lossmon.rules.facts import Facts, OutputFacts
from lossmon.rules.wording import input_of

code = "LM507"
name = "target-among-inputs"
severity: Severity = "warning"

_SHOWN = 5


def check(facts: Facts) -> Iterator[Finding]:
    """Find targets that can be read in the inputs."""
    outputs = {output.name: output for output in facts.outputs}
    looked_up = {given.name for given in facts.inputs or () if given.embedded}
    for given in facts.answers:
        if given.input in looked_up and not given.single:
            continue
        if given.answer.amounts and not given.names:
            continue
        if _is_learned(outputs.get(given.output), given):
            yield _finding(given)


def _is_learned(output: OutputFacts | None, given: AnswerFacts) -> bool:
    """Whether the output is trained by a loss to be its target, which is not the input itself."""
    if output is None or output.record.loss is None or output.compiled_used is False:
        return False
    return given.single or not output.reconstruction


def _finding(given: AnswerFacts) -> Finding:
    seen = f"all {given.samples} samples" + ("" if given.whole else " of the first batch")
    message = (
        f"{_where(given)} {_what(given)}, in {seen}: the model needs no more than to read that, "
        "and its numbers show no more than how well it does. Unless it is known before the answer "
        "is, leave it out."
    )
    evidence = {
        "input": given.input,
        "answer_columns": list(given.answer.columns),
        "answer_names": list(given.names),
        "same_numbers": given.answer.same,
        "samples": given.samples,
    }
    return Finding(code, name, severity, given.output, message, _fix(given), evidence)


def _where(given: AnswerFacts) -> str:
    if given.single:
        return input_of(given.input)
    each = [str(column) for column in given.answer.columns]
    if given.names:
        each = [f"{place} ({called!r})" for place, called in zip(each, given.names, strict=True)]
    more = len(each) - _SHOWN
    shown = [*each[:_SHOWN], f"{more} more"] if more > 0 else each
    listed = shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
    return f"{'column' if len(each) == 1 else 'columns'} {listed} of {input_of(given.input)}"


def _what(given: AnswerFacts) -> str:
    target = "the target" if given.output is None else f"the target of output {given.output!r}"
    several = len(given.answer.columns) > 1
    if given.answer.same:
        return f"{'are' if several else 'is'} {target}"
    if given.answer.one_hot:
        return f"{'are' if several else 'is'} {target}, one-hot"
    return f"tell {target}, each alone" if several else f"is {target} in other numbers"


def _fix(given: AnswerFacts) -> str:
    columns = list(given.answer.columns)
    if given.single:
        return f"# leave {input_of(given.input)} out of the data and of the model"
    if given.input is not None or not given.whole:
        which = f"column {columns[0]}" if len(columns) == 1 else f"columns {columns}"
        return f"# leave {which} of {input_of(given.input)} out where the data are made"
    dropped = f"x.drop(columns={list(given.names)!r})" if given.names else None
    cut = f"np.delete(np.asarray(x), {columns!r}, axis=1)"
    return f"x = {dropped or cut}  # of x_val, too, and a narrower keras.Input"
