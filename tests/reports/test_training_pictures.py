"""TensorBoard pictures: confusion matrix, and PA of the same clips after each epoch."""

from itertools import count
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from pan_keras.data import Clip, open_data
from pan_keras.input import FrameStore
from pan_keras.reports import training_pictures as pictures
from pan_keras.reports.training_pictures import CLIPS, Pictures, TrainingPictures
from pan_keras.training import train

QUICK = (
    "model.segments=2",
    "model.stack=2",
    "model.size=32",
    "model.resize=36",
    "training.epochs=2",
    "training.batch=8",
)


def images(folder):
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    return {
        tag: [
            [
                cv2.imdecode(np.frombuffer(content, np.uint8), 1)
                for content in each.tensor_proto.string_val[2:]
            ]
            for each in events.Tensors(tag)
        ]
        for tag in events.Tags()["tensors"]
        if events.SummaryMetadata(tag).plugin_data.plugin_name == "images"
    }


def test_training_writes_pictures_of_the_same_clips(small_motions, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "SHARE", 1e9)
    run = train(
        "motions",
        root=small_motions,
        overrides=QUICK,
        run=tmp_path / "run",
        callbacks=[TrainingPictures()],
        quiet=True,
    ).run
    found = images(run.path / "tensorboard")
    assert set(found) == {"confusion", "motion"}
    assert [len(epoch) for epoch in found["confusion"]] == [1, 1]
    assert [len(epoch) for epoch in found["motion"]] == [CLIPS, CLIPS]
    first, second = (epoch[0] for epoch in found["motion"])
    # The frames below the name are the same as in the previous epoch.
    np.testing.assert_array_equal(first[30:120], second[30:120])


@pytest.fixture
def write(small_motions, run, tmp_path):
    def write(clips=None, network=run, times=1):
        data = open_data("motions", small_motions)
        clips = data.clips("val") if clips is None else clips
        store = FrameStore(resize=run.shape.resize)
        drawn = Pictures(network.load_model(), data.classes, clips, run.shape, store)
        labels = np.array([clip.label for clip in clips])
        with tf.summary.create_file_writer(str(tmp_path / "log")).as_default(step=1):
            for _ in range(times):
                drawn.write(labels, labels)
        return images(tmp_path / "log")

    return write


def test_pictures_take_a_small_share_of_the_time(write, monkeypatch):
    seconds = count()
    clock = SimpleNamespace(monotonic=lambda: next(seconds))
    monkeypatch.setattr(pictures, "time", clock)
    # One second of pictures, fifty without, one second of pictures.
    assert len(write(times=52)["confusion"]) == 2


def test_networks_without_motion_write_confusions_alone(write, make_run):
    assert set(write(network=make_run(model="tsn_micro"))) == {"confusion"}


def test_few_clips_are_shown_once_and_broken_ones_not_at_all(write, small_motions, tmp_path):
    clips = open_data("motions", small_motions).clips("val")[:2]
    assert len(write(clips)["motion"][0]) == 2


def test_broken_clips_are_left_out(write, small_motions, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    broken = Clip(tmp_path / "broken.mp4", label=0, split="val")
    (good, *_) = open_data("motions", small_motions).clips("val")
    assert len(write([good, broken])["motion"][0]) == 1
    assert set(write([broken])) >= {"confusion"}
