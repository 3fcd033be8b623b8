"""Healthy: a regression, judged by errors and by nothing else.

The L2 penalty is part of the loss that Keras prints; lossmon records it apart from the data loss.
"""

from __future__ import annotations

import keras
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import lossmon

keras.utils.set_random_seed(0)

x, y = load_diabetes(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(
    x, np.reshape(y, (-1, 1)), test_size=0.3, random_state=0
)
inputs, targets = StandardScaler().fit(x_train), StandardScaler().fit(y_train)

model = keras.Sequential(
    [
        keras.Input((10,)),
        keras.layers.Dense(16, activation="relu", kernel_regularizer=keras.regularizers.L2(0.01)),
        keras.layers.Dense(1),
    ]
)
model.compile(optimizer="adam", loss="mean_squared_error", metrics=["mae"])
history = model.fit(
    inputs.transform(x_train),
    targets.transform(y_train),
    validation_data=(inputs.transform(x_val), targets.transform(y_val)),
    epochs=30,
    callbacks=[lossmon.Monitor(run="diabetes-regression", project="demo", notes=__doc__)],
)

loss, error = history.history["val_loss"][-1], history.history["val_mae"][-1]
print(f"validation loss {loss:.2f}, mean absolute error {error:.2f} standard deviations")
