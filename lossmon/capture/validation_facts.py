"""What the validation data of a training say, beside the data that it trains on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import keras
from keras.src.trainers.data_adapters.array_data_adapter import can_convert_arrays
from keras.src.trainers.data_adapters.array_slicing import train_validation_split

from lossmon.capture.audit_data import reads_arrays
from lossmon.capture.parted import parted_in_order
from lossmon.capture.repeated import repeated_samples
from lossmon.capture.scales import compared_scales
from lossmon.capture.shared_data import shared_data, sliced_data
from lossmon.capture.spoiled import spoiled_inputs
from lossmon.rules import Facts


def with_validation(facts: Facts, model: Any, fit: Mapping[str, Any], state: Any = None) -> Facts:
    """Add what the validation data say; no dataset is run for that, and no generator used up.

    Args:
        facts: what is known of the model and its training data.
        model: a built model.
        fit: the arguments of `fit`, after `validation_split` took its part, the validation data as
            "val_x", "val_y" and "val_sample_weight"; empty where unknown.
        state: on JAX inside `fit`, the state that the train function was given.
    """
    trained, validated = fit.get("x"), fit.get("val_x")
    if validated is None:
        return facts
    if can_convert_arrays((validated,)):
        spoiled = spoiled_inputs(model, validated, split="val", state=state)
        facts = replace(facts, spoiled=facts.spoiled + spoiled)
    shared = shared_data(fit)
    if reads_arrays(fit):
        facts = replace(
            facts,
            scales=compared_scales(model, trained, validated),
            repeated=repeated_samples(trained, validated),
            parted_in_order=parted_in_order(trained, validated),
        )
    elif shared is None and (sliced := sliced_data(fit)) is not None:
        facts = replace(facts, repeated=repeated_samples(*sliced))
    return facts if facts.repeated is not None else replace(facts, shared=shared)


def split_arguments(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of a call of `fit` as they are once it has taken its validation data apart.

    Args:
        arguments: as they were given, by name.

    Returns:
        What they hold, and the validation data as `with_validation` takes them, if there are any
        and Keras would take them.
    """
    given, split = arguments.get("validation_data"), arguments.get("validation_split")
    names = ("x", "y", "sample_weight")
    if given is not None:
        validated = keras.utils.unpack_x_y_sample_weight(given)
        return {**arguments, **_named("val_", names, validated)}
    if not split:
        return arguments
    whole = tuple(arguments.get(name) for name in names)
    try:
        trained, validated = train_validation_split(whole, validation_split=split)
    except Exception:
        # Keras will say what is wrong with them when it trains.
        return arguments
    return {**arguments, **_named("", names, trained), **_named("val_", names, validated)}


def _named(prefix: str, names: tuple[str, ...], values: Any) -> dict[str, Any]:
    return {prefix + name: value for name, value in zip(names, values, strict=True)}
