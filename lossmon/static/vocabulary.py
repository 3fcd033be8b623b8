"""Keras' names for losses, metrics and activations, as programs write them."""

from __future__ import annotations

ACTIVATIONS = frozenset(
    {"linear", "softmax", "sigmoid", "tanh", "relu", "elu", "selu", "softsign", "softplus"}
)

# The classes, by their definition's names.
LOSS_CLASSES = {
    "MeanSquaredError": "mean_squared_error",
    "MeanAbsoluteError": "mean_absolute_error",
    "MeanAbsolutePercentageError": "mean_absolute_percentage_error",
    "MeanSquaredLogarithmicError": "mean_squared_logarithmic_error",
    "Huber": "huber",
    "LogCosh": "log_cosh",
    "Poisson": "poisson",
    "BinaryCrossentropy": "binary_crossentropy",
    "BinaryFocalCrossentropy": "binary_focal_crossentropy",
    "CategoricalCrossentropy": "categorical_crossentropy",
    "CategoricalFocalCrossentropy": "categorical_focal_crossentropy",
    "SparseCategoricalCrossentropy": "sparse_categorical_crossentropy",
}
_SHORT = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
}
# The words that `compile(loss=…)` takes.
LOSS_WORDS = (
    {name: name for name in LOSS_CLASSES.values()}
    | _SHORT
    | {word.upper(): name for word, name in _SHORT.items()}
)
# These take `from_logits` as their first argument.
LOGITS_FIRST = frozenset(
    {"BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"}
)

ACCURACY_CLASSES = {
    "Accuracy": "accuracy",
    "BinaryAccuracy": "binary_accuracy",
    "CategoricalAccuracy": "categorical_accuracy",
    "SparseCategoricalAccuracy": "sparse_categorical_accuracy",
    "TopKCategoricalAccuracy": "top_k_categorical_accuracy",
    "SparseTopKCategoricalAccuracy": "sparse_top_k_categorical_accuracy",
}
# Metrics that take probabilities, and the argument that fits them to logits.
PROBABILITY_CLASSES = {
    "AUC": "auc",
    "Precision": "precision",
    "Recall": "recall",
    "TruePositives": "true_positives",
    "TrueNegatives": "true_negatives",
    "FalsePositives": "false_positives",
    "FalseNegatives": "false_negatives",
}
METRIC_CLASSES = ACCURACY_CLASSES | PROBABILITY_CLASSES
METRIC_WORDS = frozenset(ACCURACY_CLASSES.values()) - {"accuracy"}

# Methods of a model that use it as it was compiled.
TRAINING_METHODS = frozenset({"fit", "evaluate", "predict", "train_on_batch", "test_on_batch"})
# These, and those that leave both its layers and its training alone.
HARMLESS_METHODS = TRAINING_METHODS | {
    *("summary", "build", "save", "save_weights", "load_weights", "count_params", "get_config"),
}

# What `from keras.… import *` brings of all this.
STARRED = {
    "keras.layers": ("Dense", "Activation", "Softmax", "Input", "Flatten", "Reshape", "Dropout"),
    "keras.models": ("Sequential", "Model"),
    "keras.losses": tuple(LOSS_CLASSES),
    "keras.metrics": tuple(METRIC_CLASSES),
    "keras": ("Sequential", "Model", "Input", "layers", "models", "losses", "metrics"),
}


def canonical(path: str) -> str:
    """One spelling for what Keras exports under several names."""
    if path == "tensorflow.keras" or path.startswith("tensorflow.keras."):
        path = path.removeprefix("tensorflow.")
    for module, name in (("keras.models.", "keras."), ("keras.layers.Input", "keras.Input")):
        if path.startswith(module):
            path = name + path.removeprefix(module)
    return path
