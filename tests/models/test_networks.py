"""Models are taken apart into the networks that they are made of."""

from pan_keras import models
from pan_keras.models.networks import networks


def test_networks_of_fused_models_are_found_by_their_branches(run):
    network = run.load_model()
    assert networks(network) == {"pan_lite_micro": network}
    fused = models.create("pan_en_micro", classes=3, segments=2, stack=2, size=32)
    found = networks(fused)
    assert list(found) == ["lite", "full/rgb", "full/pa"]
    assert found["full/pa"] is fused.branches["full"].branches["pa"]
