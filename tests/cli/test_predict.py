"""Commands accept a bundle in place of a run, without TensorFlow and Keras."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from bundles import LABELS
from click.testing import CliRunner
from video_files import moving_frames, write_video

from pan_keras.cli import main
from pan_keras.data import Clip
from pan_keras.inference import predict
from pan_keras.input import FrameStore, clip_views
from pan_keras.metrics import softmax
from pan_keras.runtime import Recogniser
from pan_keras.video import probe

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys

sys.modules.update(dict.fromkeys(sys.argv.pop(1).split(",")))
from pan_keras.cli import main

main()
"""


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("videos") / "clip.mp4", moving_frames(30))


ABSENT = "tensorflow,keras,matplotlib,tensorboard,jax"


def alone(*arguments, absent=ABSENT):
    """Runs the command with the absent packages, such as TensorFlow, impossible to import."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, absent, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=120,
    )


@pytest.mark.parametrize(
    "options",
    [("--json",), ("--crops", "3", "--clips", "10"), ("--format", "onnx")],
    ids=" ".join,
)
def test_a_bundle_predicts_without_tensorflow_and_opencv(bundle, video, options):
    done = alone("predict", bundle, video, *options, absent=f"{ABSENT},cv2")
    assert done.returncode == 0, done.stderr
    assert Recogniser(bundle).recognise(video).label in done.stdout


def test_live_video_overlays_and_explanations_of_a_bundle_need_no_tensorflow(
    bundle, video, tmp_path
):
    live = alone("predict", bundle, "--source", video, "--json")
    assert live.returncode == 0, live.stderr
    assert json.loads(live.stdout.splitlines()[-1])["predictions"]
    drawn = alone("predict", bundle, video, "--overlay", tmp_path / "over.mp4")
    assert drawn.returncode == 0, drawn.stderr
    assert "a bundle returns only the answer" in drawn.stderr
    assert probe(tmp_path / "over.mp4").frames == 30
    explained = alone("explain", bundle, video)
    assert explained.returncode == 0, explained.stderr
    assert "explain the run that it was exported from" in explained.stdout


def test_a_bundle_is_evaluated_without_tensorflow(bundle, small_motions, tmp_path):
    for label in LABELS:
        shutil.copytree(small_motions / "test" / label, tmp_path / "data" / "test" / label)
    done = alone("evaluate", bundle, tmp_path / "data", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["clips"] == len(LABELS)


@pytest.mark.parametrize(("crops", "clips"), [("1", 1), ("3", 1), ("1", 2), ("3", 10)])
def test_a_bundle_gets_the_views_of_evaluation(bundle, video, crops, clips):
    (found,) = predict(bundle, [video], crops=crops, clips=clips)
    recogniser = Recogniser(bundle)
    shape = recogniser.bundle.shape
    views = clip_views(Clip(video, 0, "test"), shape, FrameStore(shape.resize), crops, clips)
    expected = softmax(np.mean([recogniser.logits(view) for view in views], axis=0))
    assert len(views) == int(crops) * clips
    for label, share in found.predictions:
        assert share == pytest.approx(expected[LABELS.index(label)], rel=1e-6)


def test_a_bundle_is_explained_by_answer_and_frames(bundle, video, tmp_path):
    arguments = ["explain", str(bundle), str(video), "--json", "-o", str(tmp_path / "out.png")]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    found = json.loads(result.stdout)
    assert found["networks"] == found["timescales"] == []
    assert "a bundle returns logits" in found["note"]
    assert np.shape([segment["frames"] for segment in found["segments"]]) == (4, 2)
    best = found["predictions"][0]
    answer = Recogniser(bundle).recognise(video)
    assert best == {"label": answer.label, "probability": pytest.approx(answer.probability)}
    assert cv2.imread(str(tmp_path / "out.png")).shape[1] > 800


def test_a_broken_video_does_not_stop_a_bundle(bundle, video, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    result = CliRunner().invoke(
        main, ["predict", str(bundle), str(tmp_path / "broken.mp4"), str(video)]
    )
    assert result.exit_code == 0
    assert "broken.mp4: skipped" in result.stderr
    assert "clip.mp4: " in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--crops", "full"), "the size of an exported model is fixed"),
        (("--precision", "int8"), "holds no int8 model"),
    ],
)
def test_unsupported_uses_of_a_bundle_give_one_sentence(bundle, video, arguments, message):
    result = CliRunner().invoke(main, ["predict", str(bundle), str(video), *arguments])
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("arguments", [("--source", "absent.mp4"), ("--source", "rtsp://"), ()])
def test_user_errors_are_found_before_tensorflow_is_imported(run, arguments):
    done = alone("predict", run.path, *arguments)
    assert done.returncode == 2
    assert "tensorflow" not in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_a_source_that_disconnects_is_reported_and_exits_with_2(bundle):
    address = "tcp://127.0.0.1:9/"
    result = CliRunner().invoke(main, ["predict", str(bundle), "--source", address, "--retry", "1"])
    assert result.exit_code == 2
    assert "trying again in 0.5 s (1 of 1)" in result.stderr
    assert result.stderr.splitlines()[-1].startswith(f"Error: {address}: cannot be read")


@pytest.mark.parametrize("name", ["2024-01-01T12:30:05.mp4", "./2024-01-01T12:30:05.mp4", "-x.mp4"])
def test_a_video_in_the_current_folder_may_have_any_name(
    name, bundle, video, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(video.read_bytes())
    done = CliRunner().invoke(main, ["predict", str(bundle), "--json", "--", name])
    assert done.exit_code == 0, done.output
    label = Recogniser(bundle).recognise(video).label
    assert label in done.stdout
