"""Text of unequal length: which data set does a sentence describe? Padding is masked."""

from __future__ import annotations

import re

import keras
import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split

import lossmon

keras.utils.set_random_seed(0)

LENGTH = 24
loaders = (datasets.load_breast_cancer, datasets.load_diabetes, datasets.load_digits)
lines = [(line, n) for n, load in enumerate(loaders) for line in load().DESCR.splitlines()]
texts = [(re.findall(r"[a-z]+", line.lower()), n) for line, n in lines]
texts = [(words[:LENGTH], n) for words, n in texts if len(words) > 3]

known = {word for words, _ in texts for word in words}
# 0 is left for padding, which `mask_zero` hides from the layers that follow.
number = {word: place for place, word in enumerate(sorted(known), start=1)}
x = np.array([[number[w] for w in words] + [0] * (LENGTH - len(words)) for words, _ in texts])
y = np.array([n for _, n in texts])
x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.3, stratify=y, random_state=0)

model = keras.Sequential(
    [
        keras.Input((LENGTH,), dtype="int32"),
        keras.layers.Embedding(len(number) + 1, 16, mask_zero=True),
        keras.layers.GlobalAveragePooling1D(),
        keras.layers.Dense(len(loaders), activation="softmax"),
    ]
)
model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(
    x_train,
    y_train,
    validation_data=(x_val, y_val),
    epochs=8,
    callbacks=[lossmon.Monitor(run="text-with-masks", project="programs")],
)
