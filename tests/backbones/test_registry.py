"""Every backbone accepts the declared arguments, and unknown names get suggestions."""

import keras
import numpy as np
import pytest

from pan_keras import backbones


def test_names():
    assert backbones.names() == [
        "micro",
        "mobilenetv2",
        "resnet101",
        "resnet18",
        "resnet34",
        "resnet50",
    ]


@pytest.mark.parametrize("name", backbones.names())
def test_accepts_any_number_of_channels_with_and_without_shift(name):
    plain = backbones.create(name, channels=5)
    shifted = backbones.create(name, channels=5, segments=4, causal=True)
    assert plain.input_shape == (None, None, None, 5)
    assert plain.output_shape == shifted.output_shape
    assert plain.name == name
    shapes = [weight.shape for weight in plain.weights]
    assert shapes == [weight.shape for weight in shifted.weights]
    assert shifted.segments == 4


def test_a_registered_function_is_a_backbone():
    @backbones.register("tiny")
    def tiny(**kwargs):
        return backbones.ResNet(blocks=(1,), widths=(8,), stem_width=8, name="tiny", **kwargs)

    model = backbones.create("tiny", channels=2)
    maps = np.ones((3, 16, 24, 2), "float32")
    assert model.predict_on_batch(maps).shape == (3, 8)


def test_an_unknown_name_gets_the_nearest_as_suggestion():
    with pytest.raises(ValueError, match="did you mean 'resnet50'"):
        backbones.create("resnet-50")


def test_a_name_without_near_matches_gets_the_list_of_all():
    with pytest.raises(ValueError, match="there are micro, mobilenetv2, resnet101"):
        backbones.create("vgg")


def test_micro_has_about_a_fifth_of_a_million_parameters():
    assert 0.15e6 < backbones.create("micro", channels=5).count_params() < 0.25e6


@pytest.mark.parametrize("name", backbones.names())
def test_configuration_makes_the_same_network(name):
    backbone = backbones.create(name, channels=4, segments=8, causal=True)
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(backbone))
    assert twin.get_config() == backbone.get_config()
    names = [layer.name for layer in backbone.layers]
    assert [layer.name for layer in twin.layers] == names
