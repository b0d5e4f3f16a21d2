"""VAP against the reference."""

import keras
import numpy as np
import pytest
from differentiate import differentiate
from golden_files import golden, relative_difference
from layer_suite import check_layer

from pan_keras.layers import VariousTimescaleAggregationPooling

FILES = ("vap_n2_d16", "vap_n8_d64", "vap_n12_d16")


def clips(segments, batch=2, width=6):
    shape = (batch, segments, width)
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def reference(name):
    """The golden file and a layer with its weights."""
    arrays = golden(name)
    layer = VariousTimescaleAggregationPooling()
    layer.build(arrays["input"].shape)
    layer.set_weights([arrays["param.TES.0.weight"].T, arrays["param.TES.2.weight"].T])
    return arrays, layer


@pytest.mark.parametrize("segments", [2, 5, 6, 8])
def test_layer(segments, tmp_path):
    make = VariousTimescaleAggregationPooling
    check_layer(make, clips(segments), (2, 6), tmp_path, trainable=2)


@pytest.mark.parametrize("name", FILES)
def test_output_and_weights_are_the_reference(name):
    arrays, layer = reference(name)
    output, weights = layer(arrays["input"], return_weights=True)
    for actual, expected in ((output, "f_g"), (weights, "w")):
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(actual), arrays[expected], rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize("name", FILES)
def test_gradients_are_the_reference(name):
    arrays, layer = reference(name)
    # The loss in the file is computed after the linear classifier.
    cotangent = arrays["cotangent"] @ arrays["param.pred.weight"]
    (first, second), inputs = differentiate(layer, arrays["input"], cotangent)
    assert relative_difference(inputs, arrays["grad_input"]) < 1e-4
    for actual, key in ((first, "grad.TES.0.weight"), (second, "grad.TES.2.weight")):
        scale = np.abs(arrays[key]).max()
        np.testing.assert_allclose(actual, arrays[key].T, rtol=0, atol=1e-4 * scale + 1e-7)


def test_weights_have_the_documented_shapes():
    layer = VariousTimescaleAggregationPooling(expansion=3)
    layer.build((None, 8, 512))
    assert [weight.shape for weight in layer.get_weights()] == [(7, 21), (21, 7)]


def test_weights_of_a_symbolic_call():
    output, weights = VariousTimescaleAggregationPooling()(keras.Input((8, 6)), return_weights=True)
    assert output.shape == (None, 6)
    assert weights.shape == (None, 7)


def test_a_single_segment_is_refused():
    with pytest.raises(ValueError, match="at least 2 segments"):
        VariousTimescaleAggregationPooling()(clips(segments=1))


def test_expansion_below_one_is_refused():
    with pytest.raises(ValueError, match="expansion must be at least 1"):
        VariousTimescaleAggregationPooling(expansion=0)


def test_initial_matrices_have_the_requested_deviation():
    layer = VariousTimescaleAggregationPooling(stddev=0.001)
    layer.build((None, 8, 16))
    w1, w2 = layer.get_weights()
    assert [float(w1.std()), float(w2.std())] == pytest.approx([0.001, 0.001], rel=0.3)
    assert w1.flat[0] != w2.flat[0]
    assert VariousTimescaleAggregationPooling.from_config(layer.get_config()).stddev == 0.001
