"""Words of Keras for metrics that more than one room reads."""

from __future__ import annotations

ACCURACY_WORDS = frozenset({"accuracy", "acc"})
"""What Keras resolves from the shapes of labels and predictions, in small letters."""
TOP_K_ACCURACIES = frozenset({"top_k_categorical_accuracy", "sparse_top_k_categorical_accuracy"})
"""Those that count a sample as right where the label is among the k largest outputs."""
