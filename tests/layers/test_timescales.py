"""Timescale features pool the segments of Eq. 11."""

import keras
import numpy as np
import pytest

from pan_keras.layers import pool_timescales, timescale_members


@pytest.mark.parametrize(
    ("segments", "count"),
    [(2, 1), (3, 1), (4, 3), (5, 3), (6, 3), (7, 3), (8, 7), (12, 7), (16, 15)],
)
def test_each_feature_is_the_maximum_of_its_members(segments, count):
    features = np.random.default_rng(segments).normal(size=(2, segments, 5)).astype("float32")
    pooled = keras.ops.convert_to_numpy(pool_timescales(features))
    members = timescale_members(segments)
    assert pooled.shape == (2, count, 5)
    assert len(members) == count
    for position, (_, _, pools) in enumerate(members):
        np.testing.assert_array_equal(pooled[:, position], features[:, pools].max(axis=1))


@pytest.mark.parametrize("segments", range(2, 20))
def test_every_segment_counts_once_at_every_timescale(segments):
    members = timescale_members(segments)
    for timescale in {k for k, _, _ in members}:
        pooled = [segment for k, _, pools in members if k == timescale for segment in pools]
        assert sorted(pooled) == list(range(segments))


def test_members_of_eight_segments_are_the_papers():
    assert timescale_members(8) == [
        (1, 0, (0, 1, 2, 3, 4, 5, 6, 7)),
        (2, 0, (0, 2, 4, 6)),
        (2, 1, (1, 3, 5, 7)),
        (4, 0, (0, 4)),
        (4, 1, (1, 5)),
        (4, 2, (2, 6)),
        (4, 3, (3, 7)),
    ]


@pytest.mark.parametrize("segments", [0, 1])
def test_a_clip_of_one_segment_has_no_timescales(segments):
    with pytest.raises(ValueError, match="use SegmentConsensus"):
        timescale_members(segments)
