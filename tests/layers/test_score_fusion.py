"""Score fusion averages logits or probabilities."""

import keras
import numpy as np
import pytest
from layer_suite import check_layer

from pan_keras.layers import ScoreFusion


def logits(branches=3, classes=5):
    shape = (2, branches, classes)
    return np.random.default_rng(0).normal(scale=3, size=shape).astype("float32")


def softmax(scores):
    powers = np.exp(scores)
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("fuse", ["logits", "probabilities"])
def test_layer(fuse, tmp_path):
    def make(**options):
        return ScoreFusion(weights=(2, 1, 1), fuse=fuse, **options)

    check_layer(make, logits(), output_shape=(2, 5), folder=tmp_path)


def test_logits_are_averaged_by_the_weights():
    scores = logits()
    fused = keras.ops.convert_to_numpy(ScoreFusion(weights=(2, 1, 1))(scores))
    expected = 0.5 * scores[:, 0] + 0.25 * scores[:, 1] + 0.25 * scores[:, 2]
    np.testing.assert_allclose(fused, expected, rtol=1e-5, atol=1e-6)


def test_the_softmax_of_fused_probabilities_is_their_average():
    scores = logits()
    fused = ScoreFusion(weights=(1, 1, 1), fuse="probabilities")(scores)
    expected = softmax(scores).mean(axis=1)
    np.testing.assert_allclose(
        softmax(keras.ops.convert_to_numpy(fused)), expected, rtol=1e-5, atol=1e-6
    )


def test_probabilities_too_small_for_a_float_stay_finite():
    scores = np.array([[[0.0, -1e4, 0.0], [0.0, -2e4, 0.0]]], "float32")
    fused = keras.ops.convert_to_numpy(ScoreFusion((1, 1), fuse="probabilities")(scores))
    np.testing.assert_allclose(fused[0, 1], -1e4 - 2 * np.log(2), rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": (1, 0)}, "above 0"),
        ({"weights": ()}, "above 0"),
        ({"weights": (1, 1), "fuse": "votes"}, "fuse must be one of"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ScoreFusion(**options)


def test_one_weight_per_branch_is_required():
    with pytest.raises(ValueError, match="2 weights for 3 branches"):
        ScoreFusion(weights=(1, 1))(logits())
