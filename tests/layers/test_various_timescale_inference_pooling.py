"""VIP sums timescale features with fixed weights."""

import keras
import numpy as np
import pytest
from layer_suite import check_layer

from pan_keras.layers import (
    VariousTimescaleAggregationPooling,
    VariousTimescaleInferencePooling,
    pool_timescales,
)


def clips(segments, batch=2, width=6):
    shape = (batch, segments, width)
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@pytest.mark.parametrize("weights", [None, (3, 2, 1)])
def test_layer(weights, tmp_path):
    def make(**options):
        return VariousTimescaleInferencePooling(weights=weights, **options)

    check_layer(make, clips(segments=8), (2, 6), tmp_path)


def test_by_default_timescales_have_equal_weights():
    features = clips(segments=4)
    output, weights = VariousTimescaleInferencePooling()(features, return_weights=True)
    pooled = keras.ops.convert_to_numpy(pool_timescales(features))
    expected = pooled[:, 0] / 2 + pooled[:, 1:].mean(axis=1) / 2
    np.testing.assert_allclose(keras.ops.convert_to_numpy(output), expected, rtol=1e-5)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(weights), [[0.5, 0.25, 0.25]] * 2)


def test_weights_are_shares_of_the_timescales():
    layer = VariousTimescaleInferencePooling(weights=(3, 1))
    _, weights = layer(clips(segments=4), return_weights=True)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(weights), [[0.75, 0.125, 0.125]] * 2)


def test_weights_of_a_symbolic_call_are_those_of_vap():
    features = keras.Input((8, 6))
    _, preset = VariousTimescaleInferencePooling()(features, return_weights=True)
    _, learnt = VariousTimescaleAggregationPooling()(features, return_weights=True)
    assert preset.shape == learnt.shape


@pytest.mark.parametrize("weights", [(1, -1, 1), (0, 0, 0)])
def test_negative_or_empty_weights_are_refused(weights):
    with pytest.raises(ValueError, match="must not be negative"):
        VariousTimescaleInferencePooling(weights=weights)


def test_a_weight_for_each_timescale_is_needed():
    with pytest.raises(ValueError, match=r"timescales \[1, 2, 4\]"):
        VariousTimescaleInferencePooling(weights=(1, 1))(clips(segments=8))
