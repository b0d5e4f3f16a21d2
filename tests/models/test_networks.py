"""Traversal of the networks in a model."""

import numpy as np
import pytest

from pan_keras import models
from pan_keras.layers import PersistenceOfAppearance
from pan_keras.models import AppearanceCue, MotionCue, VideoNetwork, networks, weighted_layers


def test_networks_of_fused_models_are_found_by_their_branches():
    network = models.create("pan_lite_micro", classes=3, segments=2, stack=2, size=32)
    assert networks(network) == {"pan_lite_micro": network}
    fused = models.create("pan_en_micro", classes=3, segments=2, stack=2, size=32)
    found = networks(fused)
    assert list(found) == ["lite", "full/rgb", "full/pa"]
    assert found["full/pa"] is fused.branches["full"].branches["pa"]


def test_layers_of_fused_networks_are_named_by_their_branch_and_not_by_their_backbone():
    fused = models.create("pan_full_micro", classes=3, segments=2, stack=2, size=32)
    names = [name for name, _ in weighted_layers(fused)]
    assert names[:2] == ["rgb/conv1", "rgb/bn1"]
    assert "pa/persistence_of_appearance" in names and names[-1] == "pa/logits"
    assert len(names) == len(set(names))
    counted = sum(len(layer.weights) for _, layer in weighted_layers(fused))
    assert counted == len([weight for weight in fused.weights if "seed" not in weight.path])


@pytest.mark.parametrize(
    ("name", "plan"),
    [
        ("tsm", (AppearanceCue(0),)),
        ("pa", (MotionCue(0, 2),)),
        ("pan_lite", (AppearanceCue(0), MotionCue(0, 2))),
    ],
)
def test_a_network_states_the_channels_of_its_backbone(name, plan):
    network = models.create(f"{name}_micro", classes=3, segments=2, stack=3, size=32)
    assert network.cues == plan
    assert network.backbone.input_shape[-1] == sum(cue.channels for cue in network.cues)
    for cue in network.cues:
        if isinstance(cue, MotionCue):
            assert isinstance(network.get_layer(cue.layer), PersistenceOfAppearance)


class LaterCues(VideoNetwork):
    """A plan of no registered network: PA of some frames, and a frame other than the first."""

    @classmethod
    def plan(cls, stack):
        return (MotionCue(1, stack - 1), AppearanceCue(1))


def test_a_new_network_needs_only_a_cue_plan():
    network = LaterCues(classes=2, backbone="micro", segments=2, stack=4, size=32)
    frames = np.random.default_rng(0).uniform(0, 255, (1, 2, 4, 32, 32, 3)).astype("float32")
    motion = network.intermediates(frames)["motion"]
    assert motion.shape == (1, 2, 32, 32, 2)
    before = network.predict_on_batch(frames)
    frames[:, :, 0] = 0  # seen by no cue
    np.testing.assert_array_equal(network.predict_on_batch(frames), before)
    frames[:, :, 1] = 0
    assert not np.allclose(network.predict_on_batch(frames), before)
