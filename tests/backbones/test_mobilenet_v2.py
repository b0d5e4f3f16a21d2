"""MobileNetV2 equals torchvision's, with the shift where TSM has it."""

import keras
import numpy as np
import pytest

from pan_keras import backbones
from pan_keras.backbones import MobileNetV2
from pan_keras.backbones.mobilenet_v2 import round_channels
from pan_keras.layers import TemporalShift

# From torchvision's published table, 3,504,872, without the classifier's 1,281,000.
PARAMETERS = 3_504_872 - (1280 * 1000 + 1000)
# Blocks with a shortcut: all but the first of each stage, in torchvision's numbering.
SHIFTED = (3, 5, 6, 8, 9, 10, 12, 13, 15, 16)


def clips(segments=4, batch=2, size=(33, 40), channels=3):
    shape = (batch * segments, *size, channels)
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def test_has_the_published_number_of_parameters():
    backbone = backbones.create("mobilenetv2")
    assert sum(np.prod(weight.shape) for weight in backbone.trainable_weights) == PARAMETERS
    assert backbone.output_shape == (None, 1280)


def test_layers_carry_the_names_of_torchvision():
    layers = {layer.name: layer for layer in MobileNetV2(channels=6).layers}
    shapes = {
        "features_0_0": (3, 3, 6, 32),
        "features_1_conv_0_0": (3, 3, 32, 1),
        "features_1_conv_1": (1, 1, 32, 16),
        "features_2_conv_0_0": (1, 1, 16, 96),
        "features_2_conv_1_0": (3, 3, 96, 1),
        "features_2_conv_2": (1, 1, 96, 24),
        "features_17_conv_2": (1, 1, 960, 320),
        "features_18_0": (1, 1, 320, 1280),
    }
    assert {name: tuple(layers[name].kernel.shape) for name in shapes} == shapes
    for norm in ("features_0_1", "features_1_conv_2", "features_2_conv_0_1", "features_2_conv_3"):
        assert layers[norm].epsilon == 1e-5


def test_the_shift_precedes_the_expansion_in_blocks_with_a_shortcut():
    backbone = MobileNetV2(segments=4)
    layers = backbone.layers
    for position, layer in enumerate(layers):
        if isinstance(layer, TemporalShift):
            assert layers[position + 1].name == layer.name.replace("shift", "conv_0_0")
    shifts = [layer.name for layer in layers if isinstance(layer, TemporalShift)]
    assert shifts == [f"features_{number}_shift" for number in SHIFTED]
    assert backbone.get_layer("features_3_add").input[0] is backbone.get_layer(shifts[0]).input


@pytest.mark.parametrize(("causal", "sees_later"), [(False, True), (True, False)])
def test_a_causal_shift_uses_no_later_segment(causal, sees_later):
    backbone = MobileNetV2(width=0.25, segments=4, causal=causal)
    maps = clips(batch=1)
    changed = maps.copy()
    changed[3] += 1.0
    before, after = backbone.predict_on_batch(maps), backbone.predict_on_batch(changed)
    assert (np.abs(before[:3] - after[:3]).max() > 0) == sees_later
    assert np.abs(before[3] - after[3]).max() > 0


@pytest.mark.parametrize(
    ("width", "stem", "first", "features"),
    [(0.25, 8, 8, 1280), (0.5, 16, 8, 1280), (1.4, 48, 24, 1792)],
)
def test_width_multiplies_the_channels(width, stem, first, features):
    backbone = backbones.create("mobilenetv2", width=width)
    assert backbone.get_layer("features_0_0").filters == stem
    assert backbone.get_layer("features_1_conv_1").filters == first
    assert backbone.output_shape == (None, features)
    assert MobileNetV2.from_config(backbone.get_config()).get_config() == backbone.get_config()


def test_rounding_removes_at_most_a_tenth_of_the_channels():
    for channels in np.arange(1, 400) / 3:
        rounded = round_channels(channels)
        assert rounded % 8 == 0
        assert 0.9 * channels <= rounded < channels + 8


def test_a_width_of_zero_is_refused():
    with pytest.raises(ValueError, match="width must be above 0"):
        MobileNetV2(width=0)


def test_width_is_refused_by_other_backbones():
    with pytest.raises(ValueError, match=r"unknown option of resnet18 'width'"):
        backbones.create("resnet18", width=0.5)


def torch_network(nn):
    """Builds the same network in torch, with torchvision's keys."""

    def unit(before, after, kernel, stride=1, groups=1):
        convolution = nn.Conv2d(
            before, after, kernel, stride, kernel // 2, groups=groups, bias=False
        )
        return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU6())

    class Block(nn.Module):
        def __init__(self, before, after, expansion, stride):
            super().__init__()
            inside = before * expansion
            parts = [unit(before, inside, 1)] if expansion > 1 else []
            parts += [unit(inside, inside, 3, stride, groups=inside)]
            parts += [nn.Conv2d(inside, after, 1, bias=False), nn.BatchNorm2d(after)]
            self.conv = nn.Sequential(*parts)
            self.shortcut = stride == 1 and before == after

        def forward(self, x):
            return x + self.conv(x) if self.shortcut else self.conv(x)

    features, before = [unit(3, 32, 3, 2)], 32
    for expansion, after, count, stride in (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ):
        for index in range(count):
            features.append(Block(before, after, expansion, stride if index == 0 else 1))
            before = after
    features.append(unit(before, 1280, 1))
    return nn.ModuleDict({"features": nn.Sequential(*features)}).eval()


def load_torch(backbone, state):
    for key, tensor in state.items():
        name, _, part = key.rpartition(".")
        layer = (
            backbone.get_layer(name.replace(".", "_")) if part != "num_batches_tracked" else None
        )
        value = tensor.numpy()
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            layer.kernel.assign(value.transpose(2, 3, 0, 1))
        elif isinstance(layer, keras.layers.Conv2D):
            layer.kernel.assign(value.transpose(2, 3, 1, 0))
        elif layer is not None:
            names = {
                "weight": "gamma",
                "bias": "beta",
                "running_mean": "moving_mean",
                "running_var": "moving_variance",
            }
            getattr(layer, names[part]).assign(value)


def test_outputs_equal_those_of_torch():
    torch = pytest.importorskip("torch", reason="compares with a network in torch")
    torch.manual_seed(0)
    network = torch_network(torch.nn)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 2)
            torch.nn.init.normal_(module.bias)
            torch.nn.init.normal_(module.running_mean)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
    backbone = MobileNetV2()
    load_torch(backbone, network.state_dict())
    maps = clips(batch=1, size=(37, 46))
    with torch.no_grad():
        expected = network["features"](torch.tensor(maps.transpose(0, 3, 1, 2))).mean((2, 3))
    np.testing.assert_allclose(backbone.predict_on_batch(maps), expected, rtol=1e-3, atol=1e-4)
