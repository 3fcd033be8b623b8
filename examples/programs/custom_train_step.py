"""A training step of one's own: recorded as Keras hands it out, with what cannot be seen said.

The step trains on inputs with noise and computes its loss by `compute_loss`, as Keras does.
"""

from __future__ import annotations

import keras
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import lossmon

keras.utils.set_random_seed(0)


class Noisy(keras.Model):
    """Trains on inputs with noise, and is validated on those without."""

    def train_step(self, data):
        """One step, as `fit` calls it."""
        x, y = data
        x = x + 0.05 * tf.random.normal(tf.shape(x), dtype=x.dtype)
        with tf.GradientTape() as tape:
            predicted = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=predicted)
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return self.compute_metrics(x, y, predicted)


images, digits = load_digits(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(
    (images / 16).astype("float32"), digits, test_size=0.3, random_state=0
)

inputs = keras.Input((64,))
hidden = keras.layers.Dense(32, activation="relu")(inputs)
model = Noisy(inputs, keras.layers.Dense(10, activation="softmax")(hidden))
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(
    x_train,
    y_train,
    validation_data=(x_val, y_val),
    epochs=5,
    callbacks=[lossmon.Monitor(run="custom-train-step", project="programs")],
)
