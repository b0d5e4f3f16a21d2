"""Live frames are cut into the same segments as training clips."""

import json

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from video_files import write_video

from pan_keras.clips.live_window import LiveSampling, LiveWindow
from pan_keras.clips.sampling import spread_starts, stack_frames
from pan_keras.errors import UserError


def sampling(frames=80, rate=30.0, segments=4, stack=3, **more):
    return LiveSampling.of_training(segments, stack, frames=frames, rate=rate, **more)


def push_all(window, times):
    """Pushes frames whose value is their number."""
    found = []
    for number, time in enumerate(times):
        found += window.push(np.full((1, 1, 3), number, np.int32), time)
    return found


def numbers(segments):
    return [segment.frames[:, 0, 0, 0].tolist() for segment in segments]


def trained(count, live):
    """Frame numbers of evaluation's segments in a clip of `count` frames."""
    starts = spread_starts(count, live.segments, live.stack)[0]
    return stack_frames(starts, count, live.stack).tolist()


@given(
    frames=st.integers(1, 300),
    segments=st.integers(1, 16),
    stack=st.integers(1, 5),
    rate=st.sampled_from([10.0, 15.0, 24.0, 25.0, 29.97, 30000 / 1001, 30.0, 59.94]),
    origin=st.floats(-1e6, 1e9),
)
def test_a_clip_of_the_trained_length_gives_the_clip_of_evaluation(
    frames, segments, stack, rate, origin
):
    live = sampling(frames, rate, segments, stack)
    window = LiveWindow(live)
    found = push_all(window, [origin + number / rate for number in range(frames)])
    if frames < stack:
        found = window.rest()
    assert numbers(found)[:segments] == trained(frames, live)


@pytest.mark.parametrize("rate", [15.0, 30.0, 30000 / 1001, 60.0])
def test_segments_keep_the_trained_stride_for_as_long_as_the_source_lasts(rate):
    live = sampling(83, 30.0, 8, 3)
    seconds = 20
    found = push_all(LiveWindow(live), np.arange(seconds * rate) / rate)
    starts = [int(live.stride / 2 + live.stride * i) for i in range(len(found))]
    assert [segment.start for segment in found] == starts
    assert len(found) == pytest.approx(seconds * 30 / live.stride, abs=1)
    for segment, start in zip(found, starts, strict=True):
        shown = np.array(numbers([segment])[0]) / rate
        np.testing.assert_allclose(shown, (start + np.arange(3)) / 30, atol=0.04)
        assert segment.time == pytest.approx(shown[-1], abs=0.02)
    assert [segment.is_first for segment in found] == [True] + [False] * (len(found) - 1)


def test_half_the_rate_repeats_frames_and_twice_the_rate_skips_every_second():
    live = LiveSampling(segments=1, stack=6, rate=30.0, stride=6)
    (half, *_) = push_all(LiveWindow(live), np.arange(12) / 15)
    (double, *_) = push_all(LiveWindow(live), np.arange(40) / 60)
    assert numbers([half]) == [[1, 2, 2, 3, 3, 4]]
    assert numbers([double]) == [[6, 8, 10, 12, 14, 16]]


def test_a_dropped_frame_is_replaced_by_the_previous_one():
    live = LiveSampling(segments=2, stack=4, rate=25.0, stride=4)
    times = [number / 25 for number in range(12) if number != 5]
    found = push_all(LiveWindow(live), times)
    assert numbers(found) == [[2, 3, 4, 4], [5, 6, 7, 8]]


def test_a_varying_rate_keeps_the_speed_of_motion():
    live = LiveSampling(segments=4, stack=3, rate=25.0, stride=7.5)
    draw = np.random.default_rng(3)
    times = np.cumsum(draw.choice([0.01, 0.02, 0.04, 0.08, 0.2], 400))
    found = push_all(LiveWindow(live), times)
    assert len(found) > 50
    for segment in found:
        for place, number in enumerate(numbers([segment])[0]):
            slot = times[0] + (segment.start + place) / 25
            after = times[number + 1] if number + 1 < len(times) else np.inf
            # The newest frame available by then, with a tolerance of about one frame interval.
            assert times[number] <= slot + 0.04
            assert after >= slot - 0.04


def test_small_errors_of_the_clock_change_nothing():
    live = sampling(60, 30.0, 4, 3)
    exact = np.arange(200) / 30
    shaken = exact + np.random.default_rng(1).uniform(-0.003, 0.003, 200)
    assert numbers(push_all(LiveWindow(live), shaken)) == numbers(push_all(LiveWindow(live), exact))


@pytest.mark.parametrize("back", [0.5, 3.0, 1000.0])
def test_a_clock_that_is_set_back_continues_from_the_previous_frame(back):
    live = LiveSampling(segments=2, stack=3, rate=25.0, stride=5)
    times = [number / 25 if number < 20 else number / 25 - back for number in range(40)]
    found = push_all(LiveWindow(live), times)
    assert numbers(found) == numbers(push_all(LiveWindow(live), np.arange(40) / 25))


def test_a_frame_out_of_order_is_left_out():
    live = LiveSampling(segments=1, stack=3, rate=25.0, stride=3)
    found = push_all(LiveWindow(live), [0.0, 0.04, 0.08, 0.079, 0.08, 0.12, 0.16])
    assert numbers(found) == [[1, 2, 5]]


def test_a_frame_out_of_order_replaces_no_other():
    live = LiveSampling(segments=1, stack=6, rate=25.0, stride=6)
    found = push_all(LiveWindow(live), [0.04 * i for i in range(6)] + [0.17, 0.36])
    assert numbers(found) == [[3, 4, 5, 5, 5, 5]]


def test_a_gap_longer_than_a_clip_resets_the_window():
    live = LiveSampling(segments=2, stack=2, rate=10.0, stride=4)
    window = LiveWindow(live)
    times = [*np.arange(10) / 10, *(1e6 + np.arange(10) / 10)]
    found = push_all(window, times)
    assert [(segment.is_first, *numbers([segment])[0]) for segment in found] == [
        (True, 2, 3),
        (False, 6, 7),
        (True, 12, 13),
        (False, 16, 17),
    ]
    assert [segment.number for segment in found] == [0, 1, 2, 3]
    np.testing.assert_array_equal(window.clip[:, :, 0, 0, 0], [[12, 13], [16, 17]])


def test_training_without_times_takes_every_frame_of_a_source():
    live = sampling(40, 0, 4, 3)
    assert live.rate is None
    assert live.seconds is None
    found = push_all(LiveWindow(live), [5.0] * 40)
    assert numbers(found) == trained(40, live)


def test_dense_training_keeps_the_stride_of_its_windows():
    assert sampling(300, 30.0, 8, 4, dense=True).stride == 8
    assert sampling(300, 30.0, 8, 4).stride == 297 / 8


def test_a_window_reports_its_duration():
    live = sampling(90, 30.0, 8, 3)
    assert live.frames == 90
    assert live.seconds == 3.0


def test_a_source_shorter_than_a_clip_is_taken_as_a_short_clip():
    live = sampling(80, 25.0, 4, 3)
    window = LiveWindow(live)
    push_all(window, np.arange(30) / 25)
    assert window.clip is None
    rest = window.rest()
    assert numbers(rest) == trained(30, live)
    assert [segment.is_first for segment in rest] == [True, False, False, False]
    push_all(window, 30 / 25 + np.arange(80) / 25)
    assert window.rest() == []


def test_frames_that_are_left_out_are_not_preprocessed():
    seen = []
    window = LiveWindow(
        LiveSampling(1, 1, 10.0, 1), transform=lambda frame: seen.append(1) or frame
    )
    push_all(window, np.arange(60) / 30)
    assert len(seen) == 20


def test_reset_discards_all_frames():
    window = LiveWindow(sampling(40, 25.0))
    first = push_all(window, np.arange(60) / 25)
    window.reset()
    assert window.clip is None
    again = push_all(window, 7 + np.arange(60) / 25)
    assert numbers(again) == numbers(first)
    assert [segment.number for segment in again] == [segment.number for segment in first]


@pytest.mark.parametrize("time", [float("nan"), float("inf")])
def test_a_time_that_is_not_finite_is_refused(time):
    with pytest.raises(UserError, match="give the seconds"):
        LiveWindow(sampling()).push(np.zeros((1, 1, 3)), time)


@pytest.mark.parametrize(
    "numbers", [(0, 1, 25.0, 1), (1, 0, 25.0, 1), (1, 1, -1.0, 1), (1, 1, 25.0, float("nan"))]
)
def test_numbers_out_of_range_are_refused(numbers):
    with pytest.raises(UserError, match="must be above 0"):
        LiveSampling(*numbers)


@pytest.mark.parametrize("times", [None, "even"])
def test_a_recorded_video_gives_the_segments_of_training(tmp_path, times):
    count = 60
    shown = None if times is None else [4 * number for number in range(count)]
    frames = np.stack([np.full((32, 32, 3), 4 * i, np.uint8) for i in range(count)])
    path = write_video(tmp_path / "numbers.mp4", frames, times=shown, crf=1)
    live = sampling(count, 25.0, 8, 4)
    window, found = LiveWindow(live), []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            found += window.push(frame.to_ndarray(format="rgb24"), frame.time)
    seen = [[round(frame.mean() / 4) for frame in segment.frames] for segment in found]
    assert seen[:8] == trained(count, live)
    assert window.clip.shape == (8, 4, 32, 32, 3)


def test_the_numbers_of_a_bundle_are_enough_for_an_app(bundle):
    record = json.loads((bundle / "model.json").read_text())
    facts = record["sampling"]
    assert facts["method"] == "middle-of-segments"
    assert (record["input"]["segments"], record["input"]["stack"]) == (4, 2)
    assert facts["live"]["stride"] == 2
    assert facts["frame_rate"] is facts["live"]["window_seconds"] is None
