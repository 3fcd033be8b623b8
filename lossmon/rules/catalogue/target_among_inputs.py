"""A column of the inputs holds the target.

## What it does
Flags an output whose target stands in a column of the inputs, be it in other numbers. Of a target
that names classes that is a column with one value in each class and another one in every class
(scaled, encoded, `alive` beside `survived`), or several that tell the class together, as one-hot
columns do; 64 samples are asked for, and two classes with ten. Of amounts it is a column that is
the target in another unit, or its logarithm or exponential, in each of 30 samples or more, to a ten
thousandth of its range; only of tables whose columns have names, for exercises make their targets
of a column of numbers. Tables and columns are looked at: arrays in samples from all over them, of
datasets and loaders the first batch alone. A model whose only input is a single column is left
alone, for a line or a curve may be what it is to learn; likewise a target that is the input itself
(autoencoders), and tables whose values the model looks up.

## Why is this bad
The model reads the answer off its input. Training and validation are near perfect alike, no
overfitting shows, and of a sample whose answer is not known yet nothing was learned. Often the
target was not dropped from the table, or a column is only filled in when the answer is known.

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
    for answer in facts.answers:
        if answer.input in looked_up and not answer.single:
            continue
        if answer.amounts and not answer.names:
            continue
        if _is_learned(outputs.get(answer.output)):
            yield _finding(answer)


def _is_learned(output: OutputFacts | None) -> bool:
    """Whether the output is trained by a loss to be its target, which is not the input itself."""
    if output is None or output.record.loss is None:
        return False
    return output.compiled_used is not False and not output.reconstruction


def _finding(answer: AnswerFacts) -> Finding:
    message = (
        f"{_where(answer)} {_what(answer)}, in all {answer.samples} samples looked at: the "
        "model can read the answer off its input, so that its loss and accuracy say nothing about "
        "samples whose answer is not known yet."
    )
    evidence = {
        "input": answer.input,
        "answer_columns": list(answer.columns),
        "answer_names": list(answer.names),
        "same_numbers": answer.same,
        "samples": answer.samples,
    }
    return Finding(code, name, severity, answer.output, message, _fix(answer), evidence)


def _where(answer: AnswerFacts) -> str:
    if answer.single:
        return input_of(answer.input)
    names = answer.names or (None,) * len(answer.columns)
    each = [
        str(column) if called is None else f"{column} ({called!r})"
        for column, called in zip(answer.columns, names, strict=True)
    ]
    more = len(each) - _SHOWN
    shown = [*each[:_SHOWN], f"{more} more"] if more > 0 else each
    listed = shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
    return f"{'column' if len(each) == 1 else 'columns'} {listed} of {input_of(answer.input)}"


def _what(answer: AnswerFacts) -> str:
    target = "the target" if answer.output is None else f"the target of output {answer.output!r}"
    several = len(answer.columns) > 1
    if answer.same:
        return f"{'are' if several else 'is'} {target}"
    if answer.together:
        return f"tell {target} together"
    return f"tell {target}, each alone" if several else f"is {target} in other numbers"


def _fix(answer: AnswerFacts) -> str:
    if answer.single:
        return f"del x[{answer.input!r}]  # of x_val, too, and its keras.Input"
    dropped = f"x.drop(columns={list(answer.names)!r})" if answer.names else None
    cut = f"np.delete(x, {list(answer.columns)!r}, axis=1)"
    return f"x = {dropped or cut}  # of x_val, too, and a narrower keras.Input"
