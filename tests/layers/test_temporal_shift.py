"""The temporal shift moves the right channels in the right direction."""

import keras
import numpy as np
import pytest
from golden_files import channels_last, golden
from layer_suite import check_layer

from pan_keras.layers import TemporalShift


def clips(segments, channels, batch=2, size=3):
    shape = (batch * segments, size, size, channels)
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@pytest.mark.parametrize("causal", [False, True])
def test_layer(causal, tmp_path):
    def make(**options):
        return TemporalShift(segments=4, causal=causal, **options)

    check_layer(make, clips(segments=4, channels=16), (8, 3, 3, 16), tmp_path)


@pytest.mark.parametrize("case", [0, 1, 2])
def test_output_is_the_reference(case):
    arrays = golden("tsm")
    _, segments, _, _, _, fraction = arrays[f"cfg{case}"].tolist()
    shifted = TemporalShift(segments, fraction)(channels_last(arrays[f"x{case}"]))
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(shifted), channels_last(arrays[f"y{case}"])
    )


def test_causal_shift_takes_both_parts_from_the_past():
    maps = clips(segments=4, channels=16)
    shifted = keras.ops.convert_to_numpy(TemporalShift(segments=4, causal=True)(maps))
    before, after = maps.reshape(2, 4, 3, 3, 16), shifted.reshape(2, 4, 3, 3, 16)
    np.testing.assert_array_equal(after[:, 1:, ..., :4], before[:, :-1, ..., :4])
    np.testing.assert_array_equal(after[:, 0, ..., :4], 0)
    np.testing.assert_array_equal(after[..., 4:], before[..., 4:])


def test_a_single_segment_keeps_its_own_channels_only():
    maps = clips(segments=1, channels=16)
    shifted = keras.ops.convert_to_numpy(TemporalShift(segments=1)(maps))
    np.testing.assert_array_equal(shifted[..., 4:], maps[..., 4:])
    np.testing.assert_array_equal(shifted[..., :4], 0)


def test_takes_maps_of_an_unknown_size():
    symbolic = keras.Input((None, None, 16))
    model = keras.Model(symbolic, TemporalShift(segments=4)(symbolic))
    assert model.predict_on_batch(clips(segments=4, channels=16)).shape == (8, 3, 3, 16)


def test_too_few_channels_are_refused():
    with pytest.raises(ValueError, match="lower fraction or widen"):
        TemporalShift(segments=4)(clips(segments=4, channels=4))


@pytest.mark.parametrize("options", [{"segments": 0}, {"segments": 4, "fraction": 1}])
def test_bad_arguments_are_refused(options):
    with pytest.raises(ValueError, match="must be at least"):
        TemporalShift(**options)
