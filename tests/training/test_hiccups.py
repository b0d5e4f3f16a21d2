"""A slow read changes nothing; a broken clip is left out from the same step on after resume."""

import json
import shutil

import numpy as np
import pytest
from video_files import moving_frames, write_video

from pan_keras.errors import Interrupted, UserError
from pan_keras.input import frame_store
from pan_keras.runs.run import open_run
from pan_keras.training import resume, train
from pan_keras.training.trainer import Trainer
from pan_keras.video import BrokenVideo
from pan_keras.video.container import SlowVideo

SETTINGS = (
    "model.name=tsn_micro",
    "model.segments=2",
    "model.stack=1",
    "model.size=24",
    "model.resize=24",
    "data.cache=none",
    "training.epochs=4",
    "training.batch=4",
    "training.checkpoint_seconds=0",
)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Two classes, each with eight training and four validation clips."""
    folder = tmp_path_factory.mktemp("videos")
    for split, count in (("train", 8), ("val", 4)):
        for label in ("a", "b"):
            (folder / split / label).mkdir(parents=True)
            for number in range(count):
                frames = moving_frames(12, seed=number + 50 * (label == "b"))
                write_video(folder / split / label / f"{number}.mp4", frames)
    return folder


@pytest.fixture
def breaks(monkeypatch):
    """Makes reads of a file fail: `breaks(name, calls, slow)` fails the numbered calls."""
    read_frames = frame_store.read_frames
    calls: dict[str, int] = {}

    def arrange(name, failing, slow=False):
        calls.clear()

        def read(path, *arguments, **options):
            if str(path).endswith(name):
                calls[name] = calls.get(name, 0) + 1
                if calls[name] in failing:
                    raise (SlowVideo if slow else BrokenVideo)(path, "the disk sleeps")
            return read_frames(path, *arguments, **options)

        monkeypatch.setattr(frame_store, "read_frames", read)

    return arrange


def trained(videos, run, *overrides):
    return train(videos, overrides=[*SETTINGS, *overrides], run=run, quiet=True)


def final(run):
    with np.load(max((run / "checkpoints").glob("step-*.npz"))) as stored:
        return {name: stored[name] for name in stored.files if name != "progress"}


def scores(run):
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    return [[row[name] for name in names] for row in open_run(run).metrics()]


def assert_same(run, other):
    expected = final(other)
    for name, value in final(run).items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)
    assert scores(run) == scores(other)


@pytest.fixture(scope="module")
def unbroken(videos, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "run"
    trained(videos, run)
    return run


def stop_at(monkeypatch, step):
    """Interrupts training after a step, like Ctrl-C."""
    advance = Trainer._advance

    def stopping(self, state, batches):
        advance(self, state, batches)
        if state.step == step:
            self._save(state)
            raise Interrupted("stopped", 2)

    monkeypatch.setattr(Trainer, "_advance", stopping)


def test_one_slow_read_changes_nothing(videos, unbroken, breaks, tmp_path):
    breaks("train/a/3.mp4", {2}, slow=True)
    trained(videos, tmp_path / "run")
    assert_same(tmp_path / "run", unbroken)
    assert not (tmp_path / "run" / "left_out.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "steps"), [("train/a/3.mp4", (3, 13)), ("val/b/1.mp4", (13,))])
def test_a_clip_that_broke_stays_out_in_a_resumed_run(
    name, steps, videos, breaks, tmp_path, monkeypatch
):
    # The clip is broken on its second read only.
    breaks(name, {2})
    trained(videos, tmp_path / "whole")
    (entry,) = json.loads((tmp_path / "whole" / "left_out.json").read_text()).items()
    assert entry[0].endswith(name)
    assert entry[1]["reason"] == "the disk sleeps"
    skipped = json.loads((tmp_path / "whole" / "data_report.json").read_text())["skipped"]
    assert [file["path"] for file in skipped] == [entry[0]]
    for step in steps:
        run = tmp_path / f"stopped at {step}"
        breaks(name, {2})
        with monkeypatch.context() as patch:
            stop_at(patch, step)
            with pytest.raises(Interrupted):
                trained(videos, run)
        # An uninterrupted run would have recorded the same, as the disk is the same.
        shutil.copy(tmp_path / "whole" / "left_out.json", run / "left_out.json")
        breaks(name, set())
        resume(run, quiet=True)
        assert_same(run, tmp_path / "whole")


def test_a_clip_left_out_is_one_line_on_the_terminal(videos, breaks, tmp_path, capsys):
    breaks("train/a/3.mp4", {2})
    trained(videos, tmp_path / "run")
    text = capsys.readouterr().err
    assert text.count("3.mp4: left out from here on (the disk sleeps)") == 1


def test_unreadable_validation_clips_end_training_with_one_sentence_and_it_resumes(
    videos, unbroken, breaks, tmp_path
):
    copy = shutil.copytree(videos, tmp_path / "videos")
    breaks(".mp4", set())
    run = tmp_path / "run"
    hidden = tmp_path / "hidden"
    end_epoch = Trainer._end_epoch

    def end_without_clips(self, state):
        if state.step == 8 and not hidden.exists():
            (copy / "val").rename(hidden)
        return end_epoch(self, state)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "_end_epoch", end_without_clips)
        with pytest.raises(UserError, match="none of the 8 validation clips can be decoded"):
            trained(copy, run)
    hidden.rename(copy / "val")
    assert not (run / "left_out.json").exists()
    resume(run, quiet=True)
    assert_same(run, unbroken)


def test_resuming_with_other_versions_is_reported_and_keeps_the_first_record(
    videos, tmp_path, monkeypatch, capsys
):
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        stop_at(patch, 5)
        with pytest.raises(Interrupted):
            trained(videos, run)
    began = (run / "versions.json").read_text()
    from pan_keras.runs.versions import environment
    from pan_keras.training import trainer

    now = {**environment(), "tensorflow": "9.9"}
    monkeypatch.setattr(trainer, "environment", lambda: now)
    resume(run, quiet=True)
    text = capsys.readouterr().err
    assert "another environment than up to step 5: tensorflow 9.9 (was " in text
    assert (run / "versions.json").read_text() == began
    history = json.loads((run / "versions_by_step.json").read_text())["versions"]
    assert [(each["step"], each["tensorflow"]) for each in history] == [
        (0, json.loads(began)["tensorflow"]),
        (5, "9.9"),
    ]
    resume(run, quiet=True)
    assert "another environment" not in capsys.readouterr().err
