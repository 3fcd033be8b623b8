"""Texts of programs: correct ones that must stay silent, and faults that are certain."""

from __future__ import annotations

HEADER = "import keras\nfrom keras import layers, losses, metrics\ngiven = keras.Input((5,))\n"


def sequential(head: str, arguments: str) -> str:
    """A model that ends in these layers, compiled with these arguments."""
    stack = f"keras.Sequential([keras.Input((5,)), {head}])"
    return f"{HEADER}model = {stack}\nmodel.compile({arguments})\nmodel.fit(x, y)\n"


SPARSE = 'loss="sparse_categorical_crossentropy", metrics=["accuracy"]'
BINARY = 'loss="binary_crossentropy", metrics=["accuracy"]'
MSE = 'loss="mse", metrics=["accuracy"]'
DENSE = "layers.Dense({})".format

# head, arguments of compile, the codes that are certain
FAULTS: list[tuple[str, str, list[str]]] = [
    (DENSE('1, activation="softmax"'), BINARY, ["LM103"]),
    (DENSE("1"), BINARY, ["LM101"]),
    (DENSE("10"), SPARSE, ["LM101"]),
    (DENSE("1"), SPARSE, ["LM104"]),
    (DENSE('5, activation="sigmoid"'), 'loss="categorical_crossentropy"', ["LM105"]),
    (DENSE('1, activation="tanh"'), BINARY, ["LM106"]),
    (
        DENSE("10, activation='softmax'"),
        "loss=losses.SparseCategoricalCrossentropy(from_logits=True)",
        ["LM102"],
    ),
    (
        DENSE("1, activation=keras.activations.sigmoid"),
        "loss=losses.BinaryCrossentropy(from_logits=True)",
        ["LM102"],
    ),
    ("layers.Dense(10, activation='softmax'), layers.Softmax()", SPARSE, ["LM102"]),
    (DENSE("1"), 'loss=losses.BinaryCrossentropy(True), metrics=["acc"]', ["LM302"]),
    (
        DENSE('1, activation="sigmoid"'),
        'loss="binary_crossentropy", metrics=[metrics.BinaryAccuracy(threshold=0)]',
        ["LM309"],
    ),
    (
        DENSE("1"),
        "loss=losses.BinaryCrossentropy(from_logits=True), metrics=[metrics.AUC()]",
        ["LM303"],
    ),
    (DENSE("1"), MSE, ["LM301"]),
    (DENSE('1, activation="sigmoid"'), MSE, ["LM111"]),
    (DENSE("1"), "optimizer='sgd', loss=losses.Huber(), metrics=['mae', 'Accuracy']", ["LM301"]),
]

_LOGITS = "losses.BinaryCrossentropy(from_logits=True)"
_CORRECT_HEADS = [
    (DENSE('1, activation="sigmoid"'), BINARY),
    (DENSE('2, activation="softmax"'), SPARSE),
    (DENSE('10, activation="softmax"'), SPARSE),
    (DENSE('10, activation="softmax"'), 'loss="kl_divergence"'),
    (DENSE('5, activation="sigmoid"'), 'loss="binary_crossentropy", metrics=["binary_accuracy"]'),
    (DENSE('5, activation="softmax"'), 'loss="mse", metrics=["mae"]'),
    (DENSE('1, activation="sigmoid"'), 'loss="mse"'),
    (DENSE("1"), 'loss="mse", metrics=["mae", "root_mean_squared_error"]'),
    (DENSE("1"), 'loss="hinge"'),
    (DENSE("1"), f"loss={_LOGITS}, metrics=[metrics.BinaryAccuracy(threshold=0.0)]"),
    (DENSE("1"), f'loss={_LOGITS}, metrics=[metrics.BinaryAccuracy("acc", None, 0.0)]'),
    (DENSE("1"), f"loss={_LOGITS}, metrics=[metrics.AUC(from_logits=True)]"),
    (DENSE("1"), f"loss={_LOGITS}, metrics=[metrics.Precision(thresholds=0)]"),
    (DENSE("10"), "loss=losses.SparseCategoricalCrossentropy(True), metrics=['accuracy']"),
    (f"{DENSE(10)}, layers.Softmax()", SPARSE),
    (f"{DENSE(10)}, layers.Activation('softmax')", SPARSE),
    (f"{DENSE(1)}, layers.Flatten(), layers.Softmax()", SPARSE),
    (f"{DENSE(12)}, layers.Reshape((3, 4)), layers.Softmax()", SPARSE),
    ("layers.Conv2D(3, 3), layers.Softmax(axis=1)", "loss=losses.CategoricalCrossentropy(axis=1)"),
    (f"{DENSE(10)}, layers.Lambda(keras.ops.softmax)", SPARSE),
    (DENSE("10, activation=mine"), SPARSE),
    (DENSE("128, activation='relu'"), "loss=contrastive"),
    (DENSE("1, activation='relu'"), "loss='poisson'"),
    (DENSE("1, kernel_constraint='non_neg'"), BINARY),
    (DENSE("1, **options"), BINARY),
    (DENSE("4"), "loss='huber'"),
    (DENSE("1"), "loss=wasserstein, metrics=['accuracy']"),
    (DENSE("1"), "loss={'a': 'mse', 'b': 'binary_crossentropy'}, metrics={'b': ['accuracy']}"),
    (DENSE("1"), "loss=['mse', 'binary_crossentropy'], metrics=[[], ['accuracy']]"),
    (DENSE("1"), "**settings"),
    (DENSE("1"), "*settings"),
    (DENSE("3, activation='softmax'"), "loss=losses.CategoricalCrossentropy(label_smoothing=0.1)"),
]
_WHOLE = [
    # put right before it is used
    "m = keras.Sequential([layers.Dense(9)])\nm.compile({sparse})\nm.add(layers.Softmax())",
    "m = keras.Sequential([layers.Dense(1)])\nm.compile({mse})\nm.compile(loss='mse')\nm.fit(x, y)",
    # not certain
    "m = keras.Sequential([layers.Dense(1)])\nif a:\n    m.add(layers.Softmax())\nm.compile({binary})",
    "m = keras.Sequential([layers.Dense(1)])\nfinish(m)\nm.compile({binary})",
    "m = keras.Sequential([layers.Dense(1)])\nfor _ in z:\n    finish(m)\nm.compile({binary})",
    "m = build()\nm.compile({mse})",
    "def f(m):\n    m.compile({mse})",
    "def f(loss='mse'):\n    m = keras.Sequential([])\n    m.compile(loss=loss, metrics=['acc'])",
    "class M(keras.Model):\n    def train_step(self, d): ...\nm = M()\nm.compile({mse})",
    "m = keras.Model(given, layers.Dense(1)(given))\nm.train_step = mine\nm.compile({mse})",
    "m = keras.Sequential([layers.Dense(1)])\ndef f():\n    m.add(g)\nf()\nm.compile({binary})",
    "n = 'mse'\nif a:\n    n = 'hinge'\nm = keras.Sequential([])\nm.compile(loss=n, metrics=['acc'])",
    "loss = 'mse'\nloss = pick()\nm = keras.Sequential([])\nm.compile(loss=loss, metrics=['acc'])",
    "layers = mine\nm = keras.Sequential([layers.Dense(1)])\nm.compile({binary})",
    "from mine import *\nm = keras.Sequential([layers.Dense(1)])\nm.compile({binary})",
    "class Dense: ...\nfrom mine import Dense\nm = keras.Sequential([Dense(1)])\nm.compile({binary})",
    "m = keras.Model(given, [layers.Dense(1)(given), layers.Dense(2)(given)])\nm.compile({binary})",
    "h = layers.Dense(10)(given)\nh = keras.ops.softmax(h)\nm = keras.Model(given, h)\nm.compile({sparse})",
    "base = keras.Sequential([layers.Dense(10)])\n"
    "m = keras.Sequential([base, layers.Softmax()])\nm.compile({sparse})",
    "m = keras.Sequential(stack)\nm.compile({binary})",
    "m = keras.Sequential([layers.Dense(1)])\nm.layers[-1].activation = s\nm.compile({binary})",
    "m = keras.Sequential([layers.Dense(1)])\nwith pytest.raises(ValueError):\n    m.compile({binary})",
    "keras.utils.get_custom_objects()['mse'] = f\nm = keras.Sequential([])\nm.compile({mse})",
    "re.compile(loss='mse', metrics=['accuracy'])",
    "m = keras.Sequential([layers.Dense(1)])\nm.pop()\nm.compile({binary})",
    "m = keras.Sequential([layers.Dense(1)])\ntry:\n    m.add(t)\nexcept E:\n    pass\nm.compile({binary})",
]
WORDS = {"sparse": SPARSE, "binary": BINARY, "mse": MSE}
CORRECT = [
    *(sequential(head, arguments) for head, arguments in _CORRECT_HEADS),
    *(HEADER + text.format(**WORDS) + "\n" for text in _WHOLE),
]

_SOFTMAX = "layers.Dense(1, activation='softmax')"
# Ways to write one certain fault.
SPELLED = [
    f"m = keras.Sequential()\nm.add({_SOFTMAX})\nm.compile({BINARY})",
    f"with scope():\n    m = keras.Sequential([{_SOFTMAX}])\n    m.compile({BINARY})",
    f"def f():\n    m = keras.Sequential([{_SOFTMAX}])\n    m.compile({BINARY})\n    return m",
    f"out = {_SOFTMAX}(given)\nm = keras.Model(given, out)\nm.compile('adam', 'mse')",
    f"m = keras.Model(inputs=given, outputs=[{_SOFTMAX}(given)])\nm.compile({BINARY})",
    f"if __name__ == '__main__':\n    m = keras.Sequential([{_SOFTMAX}])\n    m.compile({BINARY})",
    f"UNITS = 1\ndef f():\n    m = keras.Sequential([layers.Dense(UNITS, 'softmax')])\n"
    f"    m.compile({BINARY})",
    f"m = keras.Sequential([{_SOFTMAX}])\nm.compile({BINARY})\nif a:\n    m.summary()\nm.fit(x)",
    f"m = keras.Sequential([{_SOFTMAX}])\nm.compile({BINARY})\nfor _ in z:\n    m.fit(x)",
    f"from tensorflow.keras.layers import *\nfrom tensorflow.keras.models import Sequential\n"
    f"m = Sequential([Dense(1, activation='softmax')])\nm.compile({BINARY})",
    f"import tensorflow as tf\nm = tf.keras.models.Sequential([tf.keras.layers.Dense(1, "
    f"activation=tf.nn.softmax)])\nm.compile({BINARY})",
    f"class T:\n    def go(self):\n        m = keras.Sequential([{_SOFTMAX}])\n"
    f"        m.trainable = True\n        m.compile({BINARY})",
]
