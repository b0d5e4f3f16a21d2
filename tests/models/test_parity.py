"""Complete networks with the reference's weights against the reference's outputs."""

import keras
import numpy as np
import pytest
from golden_files import channels_last, golden_network, golden_state

from pan_keras.checkpoints.architecture import detect
from pan_keras.checkpoints.conversion import fill
from pan_keras.checkpoints.weights import named_weights


@pytest.mark.parametrize(
    "name",
    [
        "tinybasic_lite",
        "tinybasic_rgb",
        "tinybasic_pa",
        "tinybottleneck_lite",
        "tinybottleneck_rgb",
    ],
)
def test_network_is_the_reference(name):
    arrays = golden_network(name)
    frames, modality = arrays["input_u8"], name.rpartition("_")[2]
    _, segments, stack, *size, _ = frames.shape
    state = golden_state(name)
    architecture = detect(state)
    assert (architecture.modality, architecture.stack) == (modality, stack)
    assert (architecture.segments, architecture.aggregation) == (segments, "vap")
    model = architecture.build(tuple(size), name)
    fill(named_weights(model), state)
    tensors = {
        key: keras.ops.convert_to_numpy(value) for key, value in model.intermediates(frames).items()
    }
    expected = {
        "features": arrays["f"].reshape(2, segments, -1),
        "timescales": arrays["vap_v"],
        "weights": arrays["vap_w"],
        "video_feature": arrays["vap_fg"],
        "logits": arrays["logits"],
    }
    for key, value in expected.items():
        np.testing.assert_allclose(tensors[key], value, rtol=1e-4, atol=1e-4, err_msg=key)
    if modality != "rgb":
        motion = channels_last(arrays["pa_stack0_of_each_clip"])
        np.testing.assert_allclose(tensors["motion"][:, 0], motion, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(tensors["motion"][0, 0, ..., 0], 8**0.5 * 1e-6, rtol=1e-4)
    else:
        assert "motion" not in tensors
    np.testing.assert_allclose(
        model.predict_on_batch(frames), arrays["logits"], rtol=1e-4, atol=1e-4
    )
