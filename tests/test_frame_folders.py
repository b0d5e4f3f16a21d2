"""Folders of frames give the same results as videos, wherever videos are accepted."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from run_folders import untrained_run
from video_files import write_frames

from pan_keras.cli.motion import motion
from pan_keras.cli.predict import predict as predict_command
from pan_keras.config import load_config
from pan_keras.data import open_data
from pan_keras.deploy.clips import export_clips
from pan_keras.deploy.recipe import load_recipe
from pan_keras.deploy.source import open_source
from pan_keras.evaluation import evaluate
from pan_keras.inference import predict
from pan_keras.input import FrameStore
from pan_keras.runs.run_data import open_run_data
from pan_keras.training import resume, train
from pan_keras.video import frame_source, read_frames


@pytest.fixture(scope="module")
def frames(small_motions, tmp_path_factory):
    """The data set `motions` with each clip as a folder of frames."""
    root = tmp_path_factory.mktemp("frames") / "motions"
    for video in sorted(small_motions.rglob("*.mp4")):
        pixels = read_frames(video, range(len(frame_source(video))))
        write_frames((root / video.relative_to(small_motions)).with_suffix(""), pixels)
    return root


@pytest.fixture(scope="module")
def run_on_frames(frames, tmp_path_factory):
    return untrained_run(tmp_path_factory.mktemp("runs") / "run", frames, source=str(frames))


def pairs(small_motions, frames):
    videos = sorted((small_motions / "test").rglob("*.mp4"))
    return [(v, (frames / v.relative_to(small_motions)).with_suffix("")) for v in videos]


def test_the_data_sets_are_alike(small_motions, frames):
    one, other = open_data(small_motions), open_data(frames)
    assert one.classes == other.classes
    assert [clip.split for clip in one.all_clips] == [clip.split for clip in other.all_clips]
    assert [i.frames for i in one.infos.values()] == [i.frames for i in other.infos.values()]
    assert {info.rate for info in other.infos.values()} == {25}


@pytest.mark.parametrize("cache", ["none", "memory", "disk"])
def test_the_store_gives_the_same_pixels(cache, small_motions, frames, tmp_path):
    store = FrameStore(resize=32, cache=cache, folder=tmp_path)
    for video, folder in pairs(small_motions, frames)[:2]:
        wanted = np.array([3, 0, 7])
        for _ in range(2):
            assert np.array_equal(store.frames(video, wanted), store.frames(folder, wanted))
        assert store.count(video) == store.count(folder)


def test_predictions_are_the_same(run, bundle, small_motions, frames):
    (video, folder), *_ = pairs(small_motions, frames)
    for model in (run.path, bundle):
        one, other = predict(model, [video, folder])
        assert one.predictions == other.predictions
    found = CliRunner().invoke(predict_command, [str(run.path), str(folder.parent), "--json"])
    assert found.exit_code == 0
    assert json.loads(found.stdout.splitlines()[0])["path"] == str(folder)


def test_an_unreadable_frame_makes_only_its_clip_unusable(run, frames, small_motions, tmp_path):
    clips = [folder for _, folder in pairs(small_motions, frames)[:2]]
    broken = write_frames(tmp_path / "broken", read_frames(clips[0], range(10)))
    for frame in broken.iterdir():
        frame.write_bytes(frame.read_bytes()[:100])
    _, failed, _ = predict(run.path, [clips[0], broken, clips[1]])
    assert "cannot be decoded" in failed.error
    assert failed.predictions == ()


def test_evaluation_is_the_same(run, run_on_frames, tmp_path):
    one = evaluate(run.path, output=tmp_path / "a", progress=False)
    other = evaluate(run_on_frames.path, output=tmp_path / "b", progress=False)
    assert [r.probability for r in one.results] == [r.probability for r in other.results]
    assert one.top1 == other.top1


def test_the_identity_of_a_run_counts_the_bytes_of_all_frames(run_on_frames, frames):
    clip = run_on_frames.identity.clips[0]
    folder = frames / clip.path
    assert clip.bytes == sum(file.stat().st_size for file in folder.iterdir())
    assert not open_run_data(run_on_frames).changes


def test_motion_and_overlay_are_drawn(run, frames, small_motions, tmp_path):
    (_, folder), *_ = pairs(small_motions, frames)
    for arguments in ([str(folder), "-o", str(tmp_path / "pa.mp4")],):
        found = CliRunner().invoke(motion, arguments)
        assert found.exit_code == 0, found.output
    arguments = [str(run.path), str(folder), "--overlay", str(tmp_path / "answer.mp4")]
    found = CliRunner().invoke(predict_command, arguments)
    assert found.exit_code == 0, found.output
    for name in ("pa.mp4", "answer.mp4"):
        assert frame_source(tmp_path / name).rate == pytest.approx(25)


def test_the_export_is_calibrated_on_them(run_on_frames, frames):
    clips = export_clips(open_source(run_on_frames.path), load_recipe())
    assert len(clips.calibration) > 0
    assert all(frames in clip.path.parents for clip in clips.measured)


def test_training_on_them_resumes_bit_by_bit(small_motions, frames, tmp_path):
    settings = [
        *("model.segments=2", "model.stack=2", "model.size=[24, 32]", "model.resize=32"),
        *("training.epochs=1", "training.batch=8", 'data.cache="none"'),
    ]
    assert load_config(overrides=settings)
    results = [
        train(data, overrides=settings, model="pan_lite_micro", run=tmp_path / name, quiet=True)
        for name, data in (("videos", small_motions), ("frames", frames))
    ]
    losses = [[row["loss"] for row in result.rows] for result in results]
    assert losses[0] == losses[1]
    assert [row["loss"] for row in resume(tmp_path / "frames", quiet=True).rows] == losses[1]
