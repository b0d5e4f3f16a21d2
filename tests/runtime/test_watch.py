"""`watch` samples camera frames at the rate and stride of training."""

import json
import shutil

import numpy as np
import pytest
from bundles import SHAPE, logits_by_hand
from video_files import moving_frames

from pan_keras.errors import UserError
from pan_keras.runtime import Bundle, Recogniser, live_window
from pan_keras.runtime.preprocessing import clip_from_frames


def with_sampling(bundle, rate, stride):
    facts = json.loads((bundle / "model.json").read_text())
    facts["sampling"] |= {"frame_rate": rate, "live": {"stride": stride}}
    (bundle / "model.json").write_text(json.dumps(facts))
    return Bundle.open(bundle)


@pytest.fixture
def trained(own_bundle):
    """A bundle trained on clips of 40 frames at 25 frames per second."""
    return with_sampling(own_bundle, 25.0, (40 - SHAPE.stack + 1) / SHAPE.segments)


@pytest.mark.parametrize("size", [(48, 64), (24, 32), (28, 37), (20, 90)])
def test_a_window_gives_the_clip_that_a_whole_video_gives(trained, size):
    frames = moving_frames(40, *size)
    window = live_window(trained)
    for number, frame in enumerate(frames):
        window.push(frame, number / 25)
    np.testing.assert_array_equal(window.clip, clip_from_frames(frames, SHAPE))


def test_a_streaming_model_steps_at_the_trained_stride(trained):
    frames, recogniser = moving_frames(120), Recogniser(trained)
    answers = [recogniser.watch(frame, 7 + number / 50) for number, frame in enumerate(frames)]
    found = [answer for answer in answers if answer is not None]
    # Twice the training rate: every second frame is used.
    clip = clip_from_frames(frames[:80:2], SHAPE)
    np.testing.assert_allclose(found[3].logits, logits_by_hand(clip), atol=1e-5)
    assert len(found) == 6


def test_a_model_of_clips_answers_when_a_segment_is_new(trained):
    frames, recogniser = moving_frames(60), Recogniser(trained, file_format="onnx")
    answers = [recogniser.watch(frame, number / 25) for number, frame in enumerate(frames)]
    found = [answer for answer in answers if answer is not None]
    expected = logits_by_hand(clip_from_frames(frames[:40], SHAPE))
    np.testing.assert_allclose(found[0].logits, expected, atol=1e-5)
    assert len(found) == 3


@pytest.mark.parametrize("file_format", ["tflite", "onnx"])
def test_after_a_long_gap_earlier_frames_are_discarded(trained, file_format):
    frames = moving_frames(80)
    recogniser = Recogniser(trained, file_format=file_format)
    for number, frame in enumerate(frames):
        recogniser.watch(frame, number / 25)
    late = [recogniser.watch(frame, 1000 + number / 25) for number, frame in enumerate(frames)]
    again = Recogniser(trained, file_format=file_format)
    fresh = [again.watch(frame, number / 25) for number, frame in enumerate(frames)]
    assert [answer is None for answer in late] == [answer is None for answer in fresh]
    for one, other in zip(late, fresh, strict=True):
        if one is not None:
            np.testing.assert_array_equal(one.logits, other.logits)


def test_reset_discards_earlier_frames(trained):
    recogniser, found = Recogniser(trained), []
    for _ in range(2):
        recogniser.reset()
        answers = [recogniser.watch(frame, i / 25) for i, frame in enumerate(moving_frames(60))]
        found.append([answer.logits for answer in answers if answer is not None])
    np.testing.assert_array_equal(*found)


def test_a_bundle_of_an_earlier_version_keeps_its_whole_stride(own_bundle):
    live = with_sampling(own_bundle, None, 5).live_sampling
    assert (live.rate, live.stride, live.segments, live.stack) == (None, 5, 4, 2)


@pytest.mark.parametrize(("rate", "stride"), [("fast", 2), (25.0, 0), (-1, 2), (25.0, None)])
def test_invalid_sampling_gives_one_sentence(own_bundle, rate, stride):
    recogniser = Recogniser(with_sampling(own_bundle, rate, stride))
    with pytest.raises(UserError, match="lacks the rate and stride of live video"):
        recogniser.watch(np.zeros((24, 32, 3), np.uint8), 0.0)
    shutil.rmtree(own_bundle)


def test_arrays_that_are_not_frames_are_refused(bundle):
    with pytest.raises(UserError, match="give uint8"):
        Recogniser(bundle).watch(np.zeros((24, 32), np.uint8), 0.0)
