"""Keras' ImageNet networks give the same features after adaptation to this package.

The networks have random weights, since those of ImageNet would have to be downloaded. The inputs
hide the two differences that cannot be adapted. For the stride in a ResNet's blocks, images of
4 x 4 pixels leave a single position after the stem. For MobileNetV2's asymmetric padding, a
mirrored image and mirrored kernels move it to the other side.
"""

import sys
from dataclasses import replace

import keras
import numpy as np
import pytest

from pan_keras import backbones
from pan_keras.backbones import IMAGENET, registry
from pan_keras.backbones.pretrained import CAFFE, SYMMETRIC
from pan_keras.checkpoints import can_start_from_imagenet, imagenet, load_backbone_weights
from pan_keras.checkpoints.imagenet import _downloaded, absorb, relative_units
from pan_keras.errors import UserError
from pan_keras.models import create


def random_network(name, size):
    """Keras' network with random statistics and biases, as after training."""
    make = backbones.get(name).pretrained.make
    network = make(include_top=False, weights=None, input_shape=size, pooling="avg")
    draw = np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.gamma.shape
            spread = [draw.uniform(0.8, 1.2, shape) for _ in range(2)]
            shift = [draw.normal(0, 0.1, shape) for _ in range(2)]
            layer.set_weights([spread[0], *shift, spread[1]])
        elif layer.weights and layer.use_bias:
            layer.bias.assign(draw.normal(0, 0.1, layer.bias.shape))
    return network


def declare(name, monkeypatch, **changes):
    """Makes a backbone declare other ImageNet weights."""
    registered = backbones.get(name)
    pretrained = replace(registered.pretrained, **changes)
    monkeypatch.setitem(registry.BACKBONES, name, replace(registered, pretrained=pretrained))
    return pretrained


def distribute(network, name, monkeypatch):
    """Makes Keras distribute this network, with an input offset of 0 so that borders are exact."""
    units = backbones.get(name).pretrained.normalisation
    mean = tuple(units.scale * each for each in IMAGENET.mean)
    units = replace(units, mean=mean)
    declare(name, monkeypatch, make=lambda **options: network, normalisation=units)
    scale, offset = relative_units(units, IMAGENET)
    np.testing.assert_allclose(offset, 0, atol=1e-12)
    return scale


def mirror_kernels(network):
    for layer in network.layers:
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
            layer.kernel.assign(np.asarray(layer.kernel)[::-1, ::-1])


def relative(actual, expected):
    return np.abs(actual - expected).max() / np.abs(expected).max()


def test_a_resnet_gives_the_features_of_keras(monkeypatch):
    network = random_network("resnet50", (None, None, 3))
    scale = distribute(network, "resnet50", monkeypatch)
    model = create("tsn_resnet50", classes=2, segments=2, stack=1, size=32)
    (report,) = load_backbone_weights(model, "imagenet")
    assert (report.inflated, report.dropped) == (None, ())
    pixels = np.random.default_rng(1).normal(size=(3, 4, 4, 3)).astype("float32")
    theirs = network.predict_on_batch((pixels * scale)[..., ::-1].astype("float32"))
    assert relative(model.backbone.predict_on_batch(pixels), theirs) < 1e-4


def test_a_mobilenet_gives_the_features_of_keras(monkeypatch):
    network = random_network("mobilenetv2", (32, 32, 3))
    scale = distribute(network, "mobilenetv2", monkeypatch)
    model = create("tsn_mobilenetv2", classes=2, segments=2, stack=1, size=32)
    load_backbone_weights(model, "imagenet")
    mirror_kernels(network)
    pixels = np.random.default_rng(1).normal(size=(3, 32, 32, 3)).astype("float32")
    theirs = network.predict_on_batch((pixels * scale)[:, ::-1, ::-1].astype("float32"))
    assert relative(model.backbone.predict_on_batch(pixels), theirs) < 1e-4


@pytest.mark.parametrize(
    ("units", "preprocess"),
    [
        (CAFFE, keras.applications.resnet.preprocess_input),
        (SYMMETRIC, keras.applications.mobilenet_v2.preprocess_input),
    ],
)
def test_normalisation_equals_that_of_keras_preprocessing(units, preprocess):
    pixels = np.random.default_rng(2).uniform(0, 255, (5, 6, 3)).astype("float32")
    theirs = preprocess(pixels.copy())
    np.testing.assert_allclose(units.apply(pixels), theirs, atol=1e-3)
    scale, offset = relative_units(units, IMAGENET)
    ours = scale * np.asarray(IMAGENET.apply(pixels)) + offset
    np.testing.assert_allclose(ours[..., ::-1] if units.is_reversed else ours, theirs, atol=1e-3)


def test_weights_are_adapted_to_other_normalisation_and_bgr(monkeypatch):
    network = random_network("resnet50", (None, None, 3))
    state = absorb(network, backbones.get("resnet50").pretrained, CAFFE)
    kernel, bias = network.get_layer("conv1_conv").get_weights()
    np.testing.assert_allclose(state["conv1.weight"], kernel.transpose(3, 2, 0, 1), rtol=1e-6)
    mean = network.get_layer("conv1_bn").get_weights()[2]
    np.testing.assert_allclose(state["bn1.running_mean"], mean - bias, rtol=1e-4, atol=1e-4)


def test_the_offset_is_folded_into_the_first_normalisation():
    network = random_network("resnet50", (None, None, 3))
    source = backbones.get("resnet50").pretrained
    scale, offset = relative_units(source.normalisation, IMAGENET)
    state = absorb(network, source, IMAGENET)
    patch = np.random.default_rng(3).normal(size=(7, 7, 3))
    kernel, bias = network.get_layer("conv1_conv").get_weights()
    seen = (patch * scale + offset)[..., ::-1]
    theirs = np.einsum("hwc,hwco->o", seen, kernel) + bias
    theirs -= network.get_layer("conv1_bn").get_weights()[2]
    ours = np.einsum("hwc,ochw->o", patch, state["conv1.weight"]) - state["bn1.running_mean"]
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-3)


def test_without_a_network_the_error_names_the_file_and_its_folder(monkeypatch, tmp_path):
    def offline(**options):
        raise Exception("URL fetch failure on https://example.org/file.h5: None -- no route")

    declare("resnet50", monkeypatch, make=offline)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    model = create("pan_lite_resnet50", classes=2, segments=2, stack=2, size=32)
    with pytest.raises(UserError, match=r"resnet50_weights\w+_notop\.h5.*put this file into"):
        load_backbone_weights(model, "imagenet")


def test_networks_without_weights_in_keras_are_named():
    model = create("pan_lite_resnet18", classes=2, segments=2, stack=2, size=32)
    with pytest.raises(
        UserError, match="weights for mobilenetv2, resnet101, resnet50, not for resnet18"
    ):
        load_backbone_weights(model, "imagenet")


def test_a_download_is_announced_before_it_begins_and_leaves_stdout_alone(
    monkeypatch, tmp_path, capsys
):
    before = []

    def make(**options):
        sys.stdout.write("Downloading data from Keras\n")
        before.append(capsys.readouterr())
        raise OSError("no network")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(imagenet, "_downloaded", _downloaded.__wrapped__)
    declare("mobilenetv2", monkeypatch, make=make)
    assert not can_start_from_imagenet("mobilenetv2")
    ((out, err),) = before
    assert out == ""
    assert err.startswith("downloading the ImageNet weights of mobilenetv2 into")
    assert "--set model.weights=none trains from random weights instead" in err
