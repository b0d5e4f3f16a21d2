"""ResNet equals torchvision's, with the shift where the reference has it."""

import keras
import numpy as np
import pytest
from golden_files import golden_json

from pan_keras import backbones
from pan_keras.backbones import ResNet
from pan_keras.layers import TemporalShift


def tiny(**options):
    return ResNet(blocks=(1, 1), widths=(16, 24), stem_width=16, **options)


def clips(segments=4, batch=2, size=(20, 28)):
    shape = (batch * segments, *size, 3)
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def reference_keys(name):
    """Returns each layer's first tensor shape by name, and the names of shifted convolutions."""
    shapes, shifted = {}, set()
    for key, shape, _ in golden_json(f"keys_{name}_lite"):
        if not key.startswith("base_model.") or not key.endswith(".weight") or ".fc." in key:
            continue
        layer = key.removeprefix("base_model.").removesuffix(".weight")
        if layer.endswith(".net"):
            layer = layer.removesuffix(".net")
            shifted.add(layer.removesuffix(".conv1").replace(".", "_"))
        layer = layer.replace("downsample.0", "downsample_conv")
        layer = layer.replace("downsample.1", "downsample_bn")
        shapes[layer.replace(".", "_")] = tuple(shape)
    return shapes, shifted


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnet101"])
def test_layers_shapes_and_shifts_are_the_reference(name):
    shapes, shifted = reference_keys(name)
    backbone = backbones.create(name, channels=6, segments=8)
    actual = {}
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.Conv2D):
            height, width, before, after = layer.kernel.shape
            actual[layer.name] = (after, before, height, width)
            assert not layer.use_bias
        elif layer.weights:
            actual[layer.name] = tuple(layer.weights[0].shape)
    assert actual == shapes
    shifts = {layer.name for layer in backbone.layers if isinstance(layer, TemporalShift)}
    assert shifts == {f"{block}_shift" for block in shifted}


def test_without_shift_rows_are_independent():
    backbone, maps = tiny(), clips()
    together, alone = backbone.predict_on_batch(maps), backbone.predict_on_batch(maps[3:4])
    np.testing.assert_allclose(together[3], alone[0], rtol=1e-4)


@pytest.mark.parametrize(("causal", "sees_later"), [(False, True), (True, False)])
def test_a_causal_shift_uses_no_later_segment(causal, sees_later):
    backbone = tiny(segments=4, causal=causal)
    maps = clips(batch=1)
    changed = maps.copy()
    changed[3] += 1.0
    before, after = backbone.predict_on_batch(maps), backbone.predict_on_batch(changed)
    assert (np.abs(before[:3] - after[:3]).max() > 0) == sees_later
    assert np.abs(before[3] - after[3]).max() > 0


def test_a_network_accepts_frames_of_any_size():
    backbone = tiny()
    for size in ((20, 28), (17, 33)):
        assert backbone.predict_on_batch(clips(size=size)).shape == (8, 24)


def test_computes_in_the_dtype_of_its_policy():
    backbone = tiny(dtype="mixed_bfloat16")
    output = backbone(clips())
    assert keras.backend.standardize_dtype(output.dtype) == "bfloat16"
    assert {weight.dtype for weight in backbone.weights} == {"float32"}
    twin = ResNet.from_config(backbone.get_config())
    assert twin.compute_dtype == "bfloat16"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"block": "dense"}, "block must be one of"),
        ({"blocks": (1, 1, 1)}, "one value per stage"),
        ({"stem_kernel": 6}, "stem_kernel must be odd"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ResNet(**options)
