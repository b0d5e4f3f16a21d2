"""The evidence of the segments adds up to the answer."""

import keras
import numpy as np
import pytest

from pan_keras import models
from pan_keras.layers import timescale_members
from pan_keras.reports.evidence import class_evidence, segment_parts


@pytest.mark.parametrize("segments", [2, 6, 8])
@pytest.mark.parametrize("aggregation", ["vap", "vip", "average"])
def test_evidence_adds_up_to_the_logits_of_a_network(segments, aggregation):
    model = models.create(
        "tsm_micro", classes=5, segments=segments, stack=1, size=32, aggregation=aggregation, seed=3
    )
    dense = model.get_layer("logits")
    rng = np.random.default_rng(segments)
    dense.set_weights([rng.normal(size=weight.shape) for weight in dense.get_weights()])
    frames = rng.integers(0, 256, (1, segments, 1, 32, 32, 3)).astype("uint8")
    tensors = {
        key: keras.ops.convert_to_numpy(value)[0]
        for key, value in model.intermediates(frames).items()
    }
    kernel, bias = dense.get_weights()
    evidence = class_evidence(tensors["features"], tensors.get("weights"), kernel)
    logits = tensors["logits"] - bias
    np.testing.assert_allclose(evidence.sum(axis=0), logits - logits.mean(), rtol=1e-4, atol=1e-5)


def test_a_value_belongs_to_the_segment_that_has_it():
    features = np.array([[5.0, 0.0], [1.0, 2.0], [0.0, 0.0], [0.0, 2.0]])
    weights = np.zeros(len(timescale_members(4)))
    weights[0] = 1.0
    parts = segment_parts(features, weights)
    assert parts.tolist() == [[5, 0], [0, 1], [0, 0], [0, 1]], "a tie is shared"


def test_only_the_members_of_a_timescale_share_in_it():
    features = np.array([[1.0], [9.0], [2.0], [9.0]])
    weights = np.array([0.0, 1.0, 0.0])  # k = 2, i = 0: segments 0 and 2
    assert segment_parts(features, weights).tolist() == [[0], [0], [2], [0]]


def test_what_all_classes_get_is_no_evidence():
    evidence = class_evidence(np.ones((2, 3)), None, np.ones((3, 4)))
    np.testing.assert_allclose(evidence, np.zeros((2, 4)))
