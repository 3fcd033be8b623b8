"""scikit-learn and SciPy, which share no code with Keras or with lossmon, on the same batches."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats
from sklearn import metrics

from lossmon import recompute
from tests.recompute.batches import Array, sigmoid, softmax

RNG = np.random.default_rng(11)
N, C = 200, 5
SCORES: Array = RNG.normal(size=(N, C)) * 3.0
IDS: Array = RNG.integers(0, C, size=N)
ONE_HOT: Array = np.eye(C)[IDS]
PROBABILITIES: Array = special.softmax(SCORES, axis=-1)
BITS: Array = RNG.integers(0, 2, size=(N, 1))
LOGITS: Array = RNG.normal(size=(N, 1)) * 3.0
TARGETS: Array = RNG.gamma(2.0, size=(N, 1))
GUESSES: Array = RNG.gamma(2.0, size=(N, 1))


def test_regression_losses_against_scikit_learn() -> None:
    pairs = [
        (recompute.mean_squared_error, metrics.mean_squared_error(TARGETS, GUESSES)),
        (recompute.mean_absolute_error, metrics.mean_absolute_error(TARGETS, GUESSES)),
        (
            recompute.mean_absolute_percentage_error,
            100.0 * metrics.mean_absolute_percentage_error(TARGETS, GUESSES),
        ),
        (
            recompute.mean_squared_logarithmic_error,
            metrics.mean_squared_log_error(TARGETS, GUESSES),
        ),
    ]
    for definition, expected in pairs:
        assert definition(TARGETS, GUESSES).mean() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("delta", [0.5, 1.0, 2.0])
def test_huber_against_scipy(delta: float) -> None:
    expected = special.huber(delta, TARGETS - GUESSES).mean()

    actual = recompute.huber(TARGETS, GUESSES, delta=delta).mean()

    assert actual == pytest.approx(expected, rel=1e-12)


def test_crossentropies_against_scikit_learn() -> None:
    categorical = metrics.log_loss(IDS, PROBABILITIES, labels=range(C))
    binary = metrics.log_loss(BITS.ravel(), special.expit(LOGITS).ravel())

    for backend in ("tensorflow", "jax", "torch"):
        sparse = recompute.sparse_categorical_crossentropy(IDS, PROBABILITIES, backend=backend)
        assert sparse.mean() == pytest.approx(categorical, abs=1e-6)
    one_hot = recompute.categorical_crossentropy(ONE_HOT, SCORES, from_logits=True)
    assert one_hot.mean() == pytest.approx(categorical, rel=1e-12)
    bits = recompute.binary_crossentropy(BITS, LOGITS, from_logits=True)
    assert bits.mean() == pytest.approx(binary, rel=1e-12)


def test_crossentropy_of_logits_against_scipy() -> None:
    expected = -special.log_softmax(SCORES * 50.0, axis=-1)[np.arange(N), IDS]

    actual = recompute.sparse_categorical_crossentropy(IDS, SCORES * 50.0, from_logits=True)

    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-13)


def test_hinge_against_scikit_learn() -> None:
    expected = metrics.hinge_loss(BITS.ravel(), LOGITS.ravel())

    assert recompute.hinge(BITS, LOGITS).mean() == pytest.approx(expected, rel=1e-12)


def test_divergences_against_scipy() -> None:
    truth = RNG.dirichlet(np.ones(C), size=N)
    kl = special.rel_entr(truth, PROBABILITIES).sum(axis=-1)
    counts = RNG.poisson(3.0, size=(N, 1))
    nll = -stats.poisson.logpmf(counts, GUESSES) - special.gammaln(counts + 1.0)

    np.testing.assert_allclose(recompute.kl_divergence(truth, PROBABILITIES), kl, atol=1e-5)
    np.testing.assert_allclose(recompute.poisson(counts, GUESSES), nll.ravel(), atol=1e-4)


def test_accuracies_against_scikit_learn() -> None:
    chosen = PROBABILITIES.argmax(axis=-1)
    expected = metrics.accuracy_score(IDS, chosen)
    sure = special.expit(LOGITS) > 0.5

    assert recompute.sparse_categorical_accuracy(IDS, SCORES).mean() == expected
    assert recompute.categorical_accuracy(ONE_HOT, SCORES).mean() == expected
    assert recompute.accuracy(IDS, chosen).mean() == expected
    assert recompute.binary_accuracy(BITS, LOGITS, threshold=0.0).mean() == (
        metrics.accuracy_score(BITS, sure)
    )
    for k in range(1, C):
        top = metrics.top_k_accuracy_score(IDS, SCORES, k=k)
        assert recompute.sparse_top_k_categorical_accuracy(IDS, SCORES, k=k).mean() == top
        assert recompute.top_k_categorical_accuracy(ONE_HOT, SCORES, k=k).mean() == top


def test_brier_score_against_scikit_learn() -> None:
    probability = special.expit(LOGITS)
    expected = metrics.brier_score_loss(BITS.ravel(), probability.ravel())

    actual = recompute.brier_score(BITS, probability, binary=True).mean()

    assert actual == pytest.approx(expected, rel=1e-12)
    assert recompute.brier_score(IDS, PROBABILITIES).mean() == pytest.approx(
        ((PROBABILITIES - ONE_HOT) ** 2).sum(axis=-1).mean(), rel=1e-12
    )


def test_probabilities_against_scipy() -> None:
    far = np.array([[-800.0, 0.0, 800.0]])

    np.testing.assert_allclose(
        recompute.predicted_probabilities(SCORES, from_logits=True), PROBABILITIES, rtol=1e-12
    )
    np.testing.assert_allclose(
        recompute.predicted_probabilities(far, from_logits=True, binary=True), special.expit(far)
    )
    np.testing.assert_allclose(softmax(SCORES), PROBABILITIES, rtol=1e-5)
    np.testing.assert_allclose(sigmoid(LOGITS), special.expit(LOGITS), rtol=1e-5)
