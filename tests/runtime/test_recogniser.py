"""The recogniser gives the model the same bytes as evaluation, and the same answers."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from bundles import LABELS, SHAPE, clips, logits_by_hand
from video_files import REAL_VIDEOS, moving_frames, needs_real_videos, write_video

from pan_keras.clips import ClipShape
from pan_keras.clips.crops import framing
from pan_keras.data import Clip
from pan_keras.errors import UserError
from pan_keras.input import FrameStore, evaluation_dataset
from pan_keras.runtime import Recogniser
from pan_keras.runtime.preprocessing import clip_from_frames, clip_from_video
from pan_keras.video.container import BrokenVideo


@pytest.mark.parametrize("file_format", ["tflite", "onnx"])
def test_a_clip_gets_the_logits_of_the_model(bundle, file_format):
    recogniser = Recogniser(bundle, threads=1, file_format=file_format)
    for clip in clips(3, seed=1):
        answer = recogniser.recognise(clip)
        expected = logits_by_hand(clip)
        np.testing.assert_allclose(answer.logits, expected, atol=1e-5)
        assert answer.label == LABELS[expected.argmax()]
        assert answer.probability == pytest.approx(answer.probabilities.max())
        assert answer.probabilities.sum() == pytest.approx(1)
        assert [label for label, _ in answer.top(3)] == [LABELS[i] for i in np.argsort(-expected)]


@pytest.mark.parametrize(
    ("fit", "resizing"), [("crop", 1), ("crop", 2), ("letterbox", 2), ("squash", 2)]
)
@pytest.mark.parametrize(
    ("count", "height", "width"),
    [(40, 48, 64), (9, 120, 90), (5, 28, 36), (1, 20, 26), (23, 100, 30)],
)
def test_a_video_gives_the_frames_of_evaluation(tmp_path, count, height, width, fit, resizing):
    shape = replace(SHAPE, fit=fit, resizing=resizing)
    path = write_video(tmp_path / "clip.mp4", moving_frames(count, height, width))
    store = FrameStore(framing(shape))
    dataset = evaluation_dataset([Clip(path, 0, "test")], shape, batch=1, store=store)
    ((expected, _),) = dataset.as_numpy_iterator()
    np.testing.assert_array_equal(clip_from_video(path, shape), expected[0])


@needs_real_videos
@pytest.mark.parametrize(
    "shape", [ClipShape(8, 3, (72, 96), 84), ClipShape(4, 2, (224, 224), 256)], ids=["72x96", "224"]
)
def test_real_videos_give_the_frames_of_evaluation(shape):
    paths = sorted(path for path in (REAL_VIDEOS / "clips").rglob("*.*") if path.is_file())
    clips = [Clip(path, 0, "test") for path in paths]
    dataset = evaluation_dataset(clips, shape, batch=1, store=FrameStore(resize=shape.resize))
    seen = 0
    for frames, place in dataset.as_numpy_iterator():
        np.testing.assert_array_equal(clip_from_video(paths[int(place[0])], shape), frames[0])
        seen += 1
    assert seen > 3


def test_frames_are_sampled_as_a_video_of_them_is(tmp_path):
    frames = moving_frames(40)
    path = write_video(tmp_path / "clip.mkv", frames, codec="ffv1", pixels="bgr0")
    expected = clip_from_video(path, SHAPE)
    np.testing.assert_array_equal(clip_from_frames(frames, SHAPE), expected)


def test_a_video_and_its_frames_get_the_same_answer(bundle, tmp_path):
    frames = moving_frames(40)
    path = write_video(tmp_path / "clip.mkv", frames, codec="ffv1", pixels="bgr0")
    recogniser = Recogniser(bundle)
    np.testing.assert_array_equal(
        recogniser.recognise(path).logits, recogniser.recognise(frames).logits
    )


def test_a_stream_answers_for_the_last_segments(bundle):
    recogniser = Recogniser(bundle)
    segments = clips(3, seed=2).reshape(-1, *SHAPE.array[1:])
    for _ in range(2):
        recogniser.reset()
        for number, segment in enumerate(segments):
            answer = recogniser.step(segment)
            if number + 1 >= SHAPE.segments:
                window = segments[number + 1 - SHAPE.segments : number + 1]
                np.testing.assert_allclose(answer.logits, logits_by_hand(window), atol=1e-5)


def test_a_bundle_of_a_streaming_model_alone_recognises_whole_videos(own_bundle):
    facts = json.loads((own_bundle / "model.json").read_text())
    facts["artefacts"] = [entry for entry in facts["artefacts"] if entry["streaming"]]
    (own_bundle / "model.json").write_text(json.dumps(facts))
    recogniser = Recogniser(own_bundle)
    for clip in clips(2, seed=3):
        recogniser.step(clip[0])  # independent of what `watch` has seen
        np.testing.assert_allclose(
            recogniser.recognise(clip).logits, logits_by_hand(clip), atol=1e-5
        )


def test_a_step_takes_frames_of_any_size(bundle):
    recogniser = Recogniser(bundle)
    small, large = (np.full((2, *size, 3), 77, np.uint8) for size in ((24, 32), (480, 640)))
    first = recogniser.step(small).logits
    recogniser.reset()
    np.testing.assert_array_equal(recogniser.step(large).logits, first)


@pytest.mark.parametrize(
    ("video", "message"),
    [
        (np.zeros((4, 24, 32, 3), np.float32), "give uint8"),
        (np.zeros((24, 32, 3), np.uint8), "give uint8"),
        (np.zeros((0, 24, 32, 3), np.uint8), "give uint8"),
        (np.zeros((4, 2, 24, 33, 3), np.uint8), "this model takes"),
    ],
)
def test_files_that_are_not_videos_are_refused(bundle, video, message):
    with pytest.raises(UserError, match=message):
        Recogniser(bundle).recognise(video)


def test_a_step_with_too_few_frames_is_refused(bundle):
    with pytest.raises(UserError, match="a step takes 2, not 1"):
        Recogniser(bundle).step(np.zeros((1, 24, 32, 3), np.uint8))


def test_a_broken_video_is_named(bundle, tmp_path):
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"not a video")
    with pytest.raises(BrokenVideo, match=r"broken\.mp4"):
        Recogniser(bundle).recognise(path)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"precision": "int8"}, "holds no int8 model; it has model_float32.tflite"),
        ({"precision": "float16", "file_format": "onnx"}, "holds no float16 onnx model"),
    ],
)
def test_a_model_that_the_bundle_lacks_is_refused(bundle, wanted, message):
    with pytest.raises(UserError, match=message):
        Recogniser(bundle, **wanted)


def test_a_bundle_without_a_streaming_model_gives_an_error(own_bundle):
    recogniser = Recogniser(own_bundle, file_format="onnx")
    with pytest.raises(UserError, match="holds no streaming onnx model"):
        recogniser.step(np.zeros((2, 24, 32, 3), np.uint8))
    shutil.rmtree(own_bundle)
