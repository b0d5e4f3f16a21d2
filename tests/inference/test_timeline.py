"""Timelines of long videos: clip and streaming models, segments, files."""

import csv
import itertools
import json
import tracemalloc

import numpy as np
import pytest
from bundles import LABELS, WEIGHTS
from click.testing import CliRunner
from video_files import every_frame, write_video

from pan_keras.cli import main
from pan_keras.data.joining import join_clips
from pan_keras.errors import UserError
from pan_keras.inference import Timeline, open_classifier, timeline
from pan_keras.inference.timeline_files import write_subtitles
from pan_keras.metrics import Confidence, Segment, softmax

RATE, WINDOW = 25, 9  # frames a second of the videos; frames of a window of the small bundle


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Plain colours, each for a second."""
    colours = np.random.default_rng(3).integers(0, 256, (4, 1, 1, 1, 3), "uint8")
    frames = np.broadcast_to(colours, (4, RATE, 48, 64, 3)).reshape(-1, 48, 64, 3)
    return write_video(tmp_path_factory.mktemp("long") / "colours.mp4", frames)


def by_hand(video):
    """Times and probabilities of the windows: eight frames, from the second, by steps of two."""
    colours = np.stack([frame.reshape(-1, 3).mean(axis=0) for frame in every_frame(video)]) / 255
    ends = range(8, len(colours), 2)
    logits = np.stack([colours[end - 7 : end + 1].mean(axis=0) @ WEIGHTS for end in ends])
    return (np.array(ends) - WINDOW / 2) / RATE, softmax(logits)


@pytest.mark.parametrize("file_format", ["tflite", "onnx"])
def test_streaming_and_clip_models_answer_for_the_windows_that_slide_over(
    bundle, video, file_format
):
    found = timeline(bundle, video, file_format=file_format)
    times, probabilities = by_hand(video)
    np.testing.assert_allclose(found.times, times, atol=1e-9)
    np.testing.assert_allclose(found.probabilities, probabilities, atol=0.01)
    assert found.seconds == pytest.approx(4.0)
    assert found.window == pytest.approx(WINDOW / RATE)


def test_a_keras_run_answers_for_windows_of_its_training_clips(run, small_motions, tmp_path):
    clips = sorted(small_motions.rglob("*.mp4"))[:3]
    frames = np.concatenate([np.stack(list(every_frame(clip))) for clip in clips])
    found = timeline(run.path, write_video(tmp_path / "long.mp4", frames), batch=4)
    assert found.probabilities.shape == (len(found.times), len(run.labels))
    assert len(found.times) > 4
    assert np.all(np.diff(found.times) > 0)


def test_a_video_shorter_than_a_window_has_one_answer(bundle, tmp_path):
    frames = np.full((5, 48, 64, 3), 90, "uint8")
    found = timeline(bundle, write_video(tmp_path / "short.mp4", frames))
    assert found.probabilities.shape == (1, 3)
    assert [(each.start, each.end) for each in found.segments()] == [(0, pytest.approx(0.2))]


def peak_memory(bundle, video, file_format):
    """Largest number of bytes that Python and NumPy hold while a timeline is made."""
    classifier = open_classifier(bundle, file_format=file_format)
    classifier.load()
    tracemalloc.start()
    try:
        found = timeline(classifier, video)
        return tracemalloc.get_traced_memory()[1], len(found.times)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("file_format", ["tflite", "onnx"])
def test_memory_does_not_grow_with_the_video(bundle, video, joined, file_format):
    of_short, few = peak_memory(bundle, video, file_format)
    of_long, many = peak_memory(bundle, joined, file_format)
    assert many > 1000
    # Far less than the resized frames, the smallest pictures that could be kept.
    windows = many - few
    assert of_long - of_short < windows * 24 * 32 * 3 / 2


@pytest.fixture(scope="module")
def joined(video, tmp_path_factory):
    """The colours again and again, 3,000 frames."""
    folder = tmp_path_factory.mktemp("joined")
    (folder / "plan.csv").write_text("\n".join(["path,label", *[f"{video},"] * 30]))
    join_clips(folder / "plan.csv", folder / "long.mp4", rate=RATE)
    return folder / "long.mp4"


def test_one_frame_is_refused_in_one_sentence(bundle, tmp_path):
    video = write_video(tmp_path / "one.mp4", np.full((1, 48, 64, 3), 90, "uint8"))
    with pytest.raises(UserError, match="has one frame; a timeline needs a video"):
        timeline(bundle, video)
    result = CliRunner().invoke(main, ["predict", str(bundle), str(video), "--timeline"])
    assert result.exit_code == 2
    assert len(result.output.strip().splitlines()) == 1


def test_a_file_that_is_not_a_video_is_refused(bundle, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    with pytest.raises(UserError, match=r"broken\.mp4: cannot be read"):
        timeline(bundle, tmp_path / "broken.mp4")


def made(classes, step=0.1, window=0.1, threshold=None, sure=0.9):
    """A timeline whose answers are of given classes; None is a third, unsurely."""
    shares = np.tile([0.3, 0.3, 0.4], (len(classes), 1))
    for place, each in enumerate(classes):
        if each is not None:
            shares[place] = (1 - sure) / 2
            shares[place, each] = sure
    times = step * (np.arange(len(classes)) + 0.5)
    confidence = Confidence(threshold=threshold)
    return Timeline("v.mp4", tuple("abc"), step * len(classes), window, times, shares, confidence)


def spans(segments):
    return [(each.label, round(each.start, 3), round(each.end, 3)) for each in segments]


def test_segments_meet_halfway_between_answers_and_cover_the_video():
    found = made([0, 0, 0, 1, 1, 1]).segments()
    assert spans(found) == [("a", 0, 0.3), ("b", 0.3, 0.6)]
    assert [each.probability for each in found] == pytest.approx([0.9, 0.9])


def test_segments_below_the_threshold_are_left_out():
    answers = [0, 0, 0, None, None, None, 1, 1, 1]
    assert spans(made(answers, threshold=0.6).segments()) == [("a", 0, 0.3), ("b", 0.6, 0.9)]
    every = made(answers, threshold=0.6).segments(unknown=False)
    assert every[0].start == 0
    assert every[-1].end == pytest.approx(0.9)
    assert all(a.end == b.start for a, b in itertools.pairwise(every))


def test_the_highest_probability_in_a_segment_decides_not_the_mean():
    answers = [0] * 6
    found = made(answers, threshold=0.85, window=0.4)
    found.probabilities[1:] = [0.6, 0.2, 0.2]
    (segment,) = found.segments()
    assert segment.probability < 0.85
    found.probabilities[0] = [0.6, 0.2, 0.2]
    assert found.segments() == []


def test_single_answers_are_smoothed_away():
    answers = [0] * 6 + [1] + [0] * 6
    assert spans(made(answers, window=0.2).segments()) == [("a", 0, 1.3)]
    assert len(made(answers, window=0.05).segments()) == 3


def test_segments_shorter_than_half_a_window_are_dropped(monkeypatch):
    monkeypatch.setattr("pan_keras.inference.timelines.SMOOTH", 0.0)
    answers = [0] * 5 + [None] * 5 + [1] + [None] * 5
    found = made(answers, threshold=0.6, window=0.19)
    assert spans(found.segments()) == [("a", 0, 0.5), ("b", 1.0, 1.1)]
    assert spans(made(answers, threshold=0.6, window=0.21).segments()) == [("a", 0, 0.5)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.srt", "1\n00:00:00,500 --> 01:01:02,250\na<b 90%\n"),
        ("a.vtt", "WEBVTT\n\n1\n00:00:00.500 --> 01:01:02.250\na&lt;b 90%\n"),
    ],
)
def test_subtitles_have_the_times_of_their_format(tmp_path, name, text):
    write_subtitles(tmp_path / name, [Segment(0.5, 3662.25, "a<b", 0.9)])
    assert (tmp_path / name).read_text() == text


def test_subtitles_of_another_format_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"\.srt or \.vtt"):
        write_subtitles(tmp_path / "a.txt", [])


def test_the_command_writes_json_csv_subtitles_and_a_drawing(bundle, video, tmp_path):
    table, subtitles, drawing = (tmp_path / name for name in ("a.csv", "a.srt", "a.mp4"))
    arguments = ["predict", bundle, video, "--timeline", "--json", "--csv", table]
    arguments += ["--subtitles", subtitles, "--overlay", drawing]
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert record["segments"]
    assert {each["label"] for each in record["segments"]} <= set(LABELS)
    with table.open(newline="", encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    assert [float(row["start"]) for row in rows] == [each["start"] for each in record["segments"]]
    assert subtitles.read_text().count(" --> ") == len(rows)
    drawn = np.stack(list(every_frame(drawing)))
    assert len(drawn) == 4 * RATE
    # The answer is drawn at the lower left, where the video is of one colour.
    assert drawn[10, -20:, :60].std() > 5


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--timeline", "--crops", "3"], "--timeline cannot be combined"),
        (["--subtitles", "a.srt"], "shows the segments of --timeline"),
        (["--timeline", "--subtitles", "a.txt"], ".srt or .vtt"),
        (["--timeline", "--overlay", "folder"], "ends in .mp4"),
    ],
)
def test_incompatible_options_give_one_sentence(bundle, video, options, sentence):
    result = CliRunner().invoke(main, ["predict", str(bundle), str(video), *options])
    assert result.exit_code == 2
    assert sentence in result.output
