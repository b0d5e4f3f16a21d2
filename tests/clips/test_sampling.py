"""Frame sampling matches the reference and supports videos of any length."""

import itertools

import numpy as np
import pytest
from golden_files import golden_json

from pan_keras.clips.sampling import (
    EXAMPLE,
    MIXUP,
    ORDER,
    central_starts,
    dense_starts,
    dense_views,
    random_starts,
    random_stream,
    spread_starts,
    stack_frames,
)

ROWS = golden_json("sampling_indices")
MODES = {
    "train": random_starts,
    "val": lambda frames, n, m, draw: central_starts(frames, n, m),
    "test": lambda frames, n, m, draw: spread_starts(frames, n, m),
    "test_twice": lambda frames, n, m, draw: spread_starts(frames, n, m, views=2),
    "train_dense": lambda frames, n, m, draw: dense_starts(frames, n, draw),
    "val_dense": lambda frames, n, m, draw: dense_starts(frames, n, draw),
    "test_dense": lambda frames, n, m, draw: dense_views(frames, n),
}


@pytest.mark.parametrize("mode", MODES)
def test_starts_and_frames_are_those_of_the_reference(mode):
    rows = [row for row in ROWS if row["mode"] == mode]
    assert len(rows) == 100
    for row in rows:
        frames, segments, stack = row["num_frames"], row["N"], row["m"]
        draw = np.random.RandomState(frames * 1000 + stack).randint
        starts = MODES[mode](frames, segments, stack, draw)
        # The reference counts from 1, and gives smaller numbers for videos shorter than a stack.
        np.testing.assert_array_equal(starts.ravel(), np.maximum(row["starts"], 1) - 1)
        if row["frames"] and min(row["starts"]) > 0:
            found = stack_frames(starts, frames, stack)
            np.testing.assert_array_equal(found.ravel(), np.array(row["frames"]) - 1)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("segments", "stack"), [(8, 3), (8, 4), (2, 1), (4, 6), (1, 2), (12, 5)])
def test_every_length_gives_existing_frames(mode, segments, stack):
    for frames in range(1, 140):
        draw = np.random.default_rng(frames).integers
        found = stack_frames(MODES[mode](frames, segments, stack, draw), frames, stack)
        assert found.shape[-2:] == (segments, stack)
        assert found.min() >= 0
        assert found.max() < frames


def test_a_single_frame_is_repeated():
    assert not stack_frames(spread_starts(1, 8, 4), 1, 4).any()


def test_as_many_frames_as_segments():
    draw = np.random.default_rng(0).integers
    assert random_starts(8, 8, 4, draw).tolist() == [0] * 8
    assert random_starts(8, 8, 1, draw).tolist() == list(range(8))


def test_a_stack_past_the_end_repeats_the_last_frame():
    assert stack_frames(np.array([2]), 4, 4).tolist() == [[2, 3, 3, 3]]


def test_random_starts_stay_in_their_segments_and_reach_all_of_it():
    draw = np.random.default_rng(0).integers
    starts = np.array([random_starts(43, 8, 4, draw) for _ in range(500)])
    assert (starts // 5 == np.arange(8)).all()
    assert (np.unique(starts[:, 3]) == np.arange(15, 20)).all()


def test_three_views_in_time_are_refused():
    with pytest.raises(ValueError, match="dense_views"):
        spread_starts(40, 8, 4, views=3)


def test_random_streams_are_distinct_for_every_purpose_and_position():
    places = [(), (0,), (1,), (0, 0), (0, 1), (1, 0), (2, 0), (1, 0, 0)]
    draws = [
        random_stream(seed, purpose, *place).integers(2**63)
        for seed, purpose, place in itertools.product((0, 1, 2), (ORDER, EXAMPLE, MIXUP), places)
    ]
    assert len(set(draws)) == len(draws)


def test_a_random_stream_is_reproducible():
    first, second = (random_stream(7, MIXUP, 3, 1).random(4).tolist() for _ in range(2))
    assert first == second
