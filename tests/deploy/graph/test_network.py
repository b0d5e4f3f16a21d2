"""The exported graph is the trained model, in fewer operations."""

import numpy as np
import pytest
from deployed import clips, make

from pan_keras.deploy.graph.motion import in_pairs
from pan_keras.deploy.graph.network import deployment_graph


def outputs(model, clip, **options):
    graph = deployment_graph(model, **options)
    return graph({"frames": clip.reshape(-1, *clip.shape[-3:])})


@pytest.mark.parametrize("size", [(32, 40), (31, 40), (33, 35)])
@pytest.mark.parametrize("eight_bits", [False, True])
@pytest.mark.parametrize("stack", [2, 4])
def test_motion_is_that_of_the_layer(size, stack, eight_bits):
    model = make("pan_lite_micro", size=size, stack=stack)
    clip = clips(model, 1)[0]
    expected = model.intermediates(clip[None])["motion"][0]
    found = outputs(model, clip, with_motion=True, eight_bits=eight_bits)["motion"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kernel_size", [3, 5, 9])
def test_motion_of_other_kernels_is_that_of_the_layer(kernel_size, monkeypatch):
    from pan_keras.layers import PersistenceOfAppearance
    from pan_keras.models import video_network

    def smaller(**options):
        return PersistenceOfAppearance(kernel_size=kernel_size, **options)

    monkeypatch.setattr(video_network, "PersistenceOfAppearance", smaller)
    model = make("pa_micro")
    clip = clips(model, 1)[0]
    expected = model.intermediates(clip[None])["motion"][0]
    for eight_bits in (False, True):
        found = outputs(model, clip, with_motion=True, eight_bits=eight_bits)["motion"]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_motion_of_repeated_frames_is_finite_and_next_to_nothing():
    model = make("pan_lite_micro")
    clip = np.full((4, 3, 32, 40, 3), 77, "uint8")
    motion = outputs(model, clip, with_motion=True)["motion"].numpy()
    np.testing.assert_allclose(motion, np.sqrt(8) * 1e-6, rtol=1e-3)


def test_pairs_of_pixels_keep_the_kernel_in_its_middle():
    kernel = np.arange(8.0).reshape(1, 8, 1, 1)
    pairs = np.asarray(in_pairs(kernel))
    assert pairs.shape == (1, 5, 2, 1)
    assert pairs.ravel().tolist() == [0, *range(8), 0]


def test_takes_any_number_of_clips_where_asked():
    model = make("pan_lite_micro")
    some = clips(model, 3)
    graph = deployment_graph(model, clips=None)
    assert graph.input["frames"].shape == (None, 32, 40, 3)
    found = graph({"frames": some.reshape(-1, 32, 40, 3)})["logits"]
    np.testing.assert_allclose(found, model.predict_on_batch(some), rtol=0, atol=1e-4)


def test_a_model_without_motion_cannot_show_it():
    with pytest.raises(ValueError, match="computes no PA"):
        deployment_graph(make("tsm_micro"), with_motion=True)
