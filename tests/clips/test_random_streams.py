"""No two purposes draw the same numbers."""

import itertools

from pan_keras.clips.random_streams import EXAMPLE, MIXUP, ORDER, random_stream


def test_no_two_places_of_any_purpose_share_a_stream():
    places = [(), (0,), (1,), (0, 0), (0, 1), (1, 0), (2, 0), (1, 0, 0)]
    draws = [
        random_stream(seed, purpose, *place).integers(2**63)
        for seed, purpose, place in itertools.product((0, 1, 2), (ORDER, EXAMPLE, MIXUP), places)
    ]
    assert len(set(draws)) == len(draws)


def test_a_stream_is_the_same_each_time():
    first, second = (random_stream(7, MIXUP, 3, 1).random(4).tolist() for _ in range(2))
    assert first == second
