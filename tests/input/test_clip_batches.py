"""Batches for `model.fit`: reshuffled in each epoch, finite, and consistent with evaluation."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from pan_keras import models
from pan_keras.clips import ClipShape
from pan_keras.clips.crops import framing
from pan_keras.data import Clip, VideoData, open_data
from pan_keras.errors import UserError
from pan_keras.input import ClipBatches, FrameStore, clip_views

SHAPE = ClipShape(2, 2, (24, 32), 27)


@pytest.fixture(scope="module")
def data(small_motions):
    return open_data("motions", small_motions)


def labels_of(batches):
    return np.concatenate([batches[index][1] for index in range(len(batches))])


def test_a_model_is_compiled_and_fitted_like_any_keras_model(data):
    model = models.create(
        "pan_lite_micro", classes=len(data.classes), segments=2, stack=2, size=(24, 32)
    )
    model.compile(
        keras.optimizers.Adam(1e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    train = ClipBatches(data, model, batch=8)
    val = ClipBatches(data, model, "val", batch=3)
    before = model.get_layer("logits").get_weights()[0].copy()
    history = model.fit(train, validation_data=val, epochs=2, verbose=0).history
    assert train.epoch >= 2  # Keras may end another one when it builds the model
    assert len(history["loss"]) == len(history["val_accuracy"]) == 2
    assert np.isfinite(history["loss"]).all()
    assert np.abs(model.get_layer("logits").get_weights()[0] - before).max() > 0
    logits = model.predict(val, verbose=0)
    assert logits.shape == (len(data.clips("val")), len(data.classes))
    accuracy = (logits.argmax(-1) == labels_of(val)).mean()
    assert history["val_accuracy"][-1] == pytest.approx(accuracy)


def test_training_batches_are_full_and_reshuffled_in_each_epoch(data):
    batches = ClipBatches(data, SHAPE, batch=5, seed=3)
    assert len(batches) == len(data.clips("train")) // 5
    first = [batches[index] for index in range(len(batches))]
    assert all(frames.shape == (5, *SHAPE.array) for frames, _ in first)
    assert first[0][0].dtype == np.uint8
    again = ClipBatches(data, SHAPE, batch=5, seed=3, workers=1)
    for index, (frames, labels) in enumerate(first):
        np.testing.assert_array_equal(again[index][0], frames)
        np.testing.assert_array_equal(again[index][1], labels)
    batches.on_epoch_end()
    assert labels_of(batches).tolist() != np.concatenate([each[1] for each in first]).tolist()


def test_other_splits_are_read_once_in_order_as_in_evaluation(data):
    clips = data.clips("test")
    batches = ClipBatches(data, SHAPE, "test", batch=5)
    assert labels_of(batches).tolist() == [clip.label for clip in clips]
    store = FrameStore(framing(SHAPE))
    np.testing.assert_array_equal(batches[0][0][1:2], clip_views(clips[1], SHAPE, store))
    assert len(batches) == -(-len(clips) // 5)


def test_a_clip_that_cannot_be_decoded_is_left_out(data, tmp_path, monkeypatch):
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    broken = Clip(tmp_path / "broken.mp4", 1, "val")
    good = data.clips("val")[0]
    monkeypatch.setattr(VideoData, "clips", lambda self, split: (broken, good))
    frames, labels = ClipBatches(data, SHAPE, "val", batch=2)[0]
    assert (len(frames), labels.tolist()) == (1, [good.label])
    with pytest.raises(UserError, match=r"broken\.mp4"):
        ClipBatches(data, SHAPE, "val", batch=1)[0]


def test_unusable_splits_and_models_are_refused(data):
    with pytest.raises(UserError, match="'training' is not one of train, val, test"):
        ClipBatches(data, SHAPE, "training")
    with pytest.raises(UserError, match="no clip of the split val"):
        ClipBatches(replace(data, all_clips=data.clips("train")), SHAPE, "val")
    images = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)])
    with pytest.raises(UserError, match="give a video classifier"):
        ClipBatches(data, images)
