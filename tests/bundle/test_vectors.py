"""Test vectors survive a round trip."""

import json

import numpy as np
import pytest
from bundles import SHAPE, logits_by_hand

from pan_keras.bundle import Bundle, Vectors
from pan_keras.bundle.writer import sha256
from pan_keras.errors import UserError

INDEX = "vectors/index.json"


def test_a_round_trip_preserves_the_vectors(bundle):
    vectors = Vectors.read(Bundle.open(bundle))
    files = vectors.files()
    on_disk = {path.relative_to(bundle).as_posix() for path in bundle.glob("vectors/*")}
    assert files.keys() == on_disk
    for name, content in files.items():
        assert (bundle / name).read_bytes() == content, name


def test_vectors_are_clips_with_their_logits(bundle):
    vectors = Vectors.read(Bundle.open(bundle))
    segments, *segment = SHAPE.array
    assert vectors.clips.shape == (3, segments * segment[0], *segment[1:])
    expected = [logits_by_hand(clip) for clip in vectors.clips]
    for name, found in vectors.expected.items():
        last = found.logits[:, -1] if name.startswith("step") else found.logits
        np.testing.assert_allclose(last, expected, atol=1e-5)


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_a_negative_or_infinite_tolerance_is_refused(own_bundle, value):
    index = json.loads((own_bundle / INDEX).read_text())
    index["logits"][0]["max_difference"] = value
    content = json.dumps(index).encode()
    (own_bundle / INDEX).write_bytes(content)
    facts = json.loads((own_bundle / "model.json").read_text())
    facts["files"][INDEX] = sha256(content)
    (own_bundle / "model.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match="max_difference"):
        Vectors.read(Bundle.open(own_bundle))
