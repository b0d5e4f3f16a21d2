"""Whole networks with the reference's weights give the reference's numbers."""

import keras
import numpy as np
import pytest
from golden_files import channels_last, golden
from reference_weights import load_reference

from pan_keras.backbones import ResNet
from pan_keras.models import PANetwork, PANLite, RGBNetwork

NETWORKS = {"lite": PANLite, "rgb": RGBNetwork, "pa": PANetwork}


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
    arrays = golden(f"compact_{name}")
    block, modality = name.removeprefix("tiny").split("_")
    frames = arrays["input_u8"]
    _, segments, stack, height, width, _ = frames.shape
    network = NETWORKS[modality]
    backbone = ResNet(
        block=block,
        blocks=(1, 1, 1, 1),
        widths=(8, 16, 32, 64),
        stem_width=8,
        channels=network.cue_channels(stack),
        segments=segments,
    )
    model = network(
        classes=5, backbone=backbone, segments=segments, stack=stack, size=(height, width)
    )
    load_reference(model, arrays)
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
