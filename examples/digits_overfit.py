"""Overfitting: the validation loss turns up while the validation accuracy holds.

Too many weights for too few digits. The program is sound and its numbers are right; the model
grows ever surer of its few mistakes, which the loss sees and the accuracy does not.
"""

from __future__ import annotations

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import lossmon

keras.utils.set_random_seed(0)

x, y = load_digits(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(
    x / 16.0, y, train_size=300, stratify=y, random_state=0
)

model = keras.Sequential(
    [
        keras.Input((64,)),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(
    optimizer=keras.optimizers.RMSprop(0.003),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
history = model.fit(
    x_train,
    y_train,
    validation_data=(x_val, y_val),
    batch_size=8,
    validation_batch_size=512,
    epochs=40,
    callbacks=[lossmon.Monitor(run="digits-overfit", project="demo", notes=__doc__)],
)

losses, accuracies = history.history["val_loss"], history.history["val_accuracy"]
best = losses.index(min(losses))
print(
    f"validation loss {losses[best]:.3f} (epoch {best + 1}) -> {losses[-1]:.3f}, "
    f"accuracy {accuracies[best]:.3f} -> {accuracies[-1]:.3f}"
)
