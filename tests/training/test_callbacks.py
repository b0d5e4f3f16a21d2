"""Callbacks are called as in Keras, and can stop training so that it resumes exactly."""

import os
import signal

import keras
import numpy as np
import pytest
from video_files import moving_frames, write_video

from pan_keras import models
from pan_keras.errors import Interrupted, UserError
from pan_keras.training import TrainingCallback, resume, train

SETTINGS = {
    "model": {"name": "tsn_micro", "segments": 2, "stack": 1, "size": 24, "resize": 24},
    "training": {"epochs": 3, "batch": 4},
}


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Two classes, each with eight training and two validation clips: four steps per epoch."""
    folder = tmp_path_factory.mktemp("videos")
    for split, count in (("train", 8), ("val", 2)):
        for label in ("a", "b"):
            (folder / split / label).mkdir(parents=True)
            for number in range(count):
                frames = moving_frames(
                    6, seed=number + 50 * (label == "b") + 100 * (split == "val")
                )
                write_video(folder / split / label / f"{number}.mp4", frames)
    return folder


def trained(videos, run, *callbacks):
    return train(videos, sections=SETTINGS, run=run, callbacks=callbacks, quiet=True)


def weights(run):
    with np.load(max((run / "checkpoints").glob("step-*.npz"))) as stored:
        return {name: stored[name] for name in stored.files if name != "progress"}


def assert_same_weights(run, other):
    expected = weights(other)
    for name, value in weights(run).items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)


class Diary(keras.callbacks.Callback):
    """Records the hooks called and their logs."""

    def __init__(self, stop_at=None):
        super().__init__()
        self.stop_at = stop_at
        self.hooks = []
        self.logs = []

    def note(self, hook, logs):
        self.hooks.append(hook)
        self.logs.append(logs)
        if hook == self.stop_at:
            self.model.stop_training = True

    def on_train_begin(self, logs=None):
        self.note("train begins", logs)

    def on_epoch_begin(self, epoch, logs=None):
        self.note(f"epoch {epoch} begins", logs)

    def on_train_batch_end(self, batch, logs=None):
        self.note(f"batch {batch} ends", logs)

    def on_test_end(self, logs=None):
        self.note("validation ends", logs)

    def on_epoch_end(self, epoch, logs=None):
        self.note(f"epoch {epoch} ends", logs)

    def on_train_end(self, logs=None):
        self.note("train ends", logs)


class Predictions(TrainingCallback):
    """Records the predictions of each validation."""

    def __init__(self):
        super().__init__()
        self.found = []

    def on_validation_end(self, labels, predicted):
        self.found.append((self.trainer.run.path, labels, predicted))


def hooks_of(epoch, first=0):
    batches = [f"batch {batch} ends" for batch in range(first, 4)]
    return [f"epoch {epoch} begins", *batches, "validation ends", f"epoch {epoch} ends"]


@pytest.fixture(scope="module")
def unbroken(videos, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "unbroken"
    diary, predictions, history = Diary(), Predictions(), keras.callbacks.History()
    return trained(videos, run, diary, predictions, history), diary, predictions, history


def test_hooks_are_called_in_the_order_of_keras(unbroken):
    _, diary, _, _ = unbroken
    epochs = [hook for epoch in range(3) for hook in hooks_of(epoch)]
    assert diary.hooks == ["train begins", *epochs, "train ends"]


def test_logs_of_an_epoch_are_its_row_of_metrics(unbroken):
    result, diary, _, history = unbroken
    logs = [logs for hook, logs in zip(diary.hooks, diary.logs, strict=True) if "ends" in hook]
    of_epochs = [each for each in logs if "val_loss" in each]
    row_numbers = {"epoch", "step"}
    assert of_epochs == [
        {name: row[name] for name in row.keys() - row_numbers} for row in result.rows
    ]
    assert history.history["val_accuracy"] == [row["val_accuracy"] for row in result.rows]


def test_logs_of_a_batch_are_means_over_the_epoch_so_far(unbroken):
    result, diary, _, _ = unbroken
    by_hook = dict(zip(diary.hooks, diary.logs, strict=True))
    # Those of the last epoch, which replace earlier ones.
    losses = [by_hook[f"batch {batch} ends"]["loss"] for batch in range(4)]
    assert len(set(losses)) == 4
    assert losses[-1] == result.rows[-1]["loss"]


def test_a_training_callback_gets_the_predictions_of_each_validation(unbroken):
    result, _, predictions, _ = unbroken
    assert len(predictions.found) == 3
    for row, (path, labels, predicted) in zip(result.rows, predictions.found, strict=True):
        assert path == result.run.path
        assert labels.tolist() == [0, 0, 1, 1]
        assert (labels == predicted).mean() == row["val_accuracy"]


def test_callbacks_change_no_weight(unbroken, videos, tmp_path):
    trained(videos, tmp_path / "run")
    assert_same_weights(tmp_path / "run", unbroken[0].run.path)


@pytest.mark.parametrize("stop_at", ["batch 1 ends", "epoch 0 ends", "epoch 0 begins"])
def test_a_training_that_a_callback_stopped_is_resumed_exactly(stop_at, unbroken, videos, tmp_path):
    run, diary = tmp_path / "run", Diary(stop_at)
    result = trained(videos, run, diary)
    assert diary.hooks[-1] == "train ends"
    finished = 1 if stop_at == "epoch 0 ends" else 0
    assert len(result.rows) == result.to_json()["epochs"] == finished
    again = Diary()
    resumed = resume(run, callbacks=[again], quiet=True)
    assert len(resumed.rows) == 3
    if stop_at == "batch 1 ends":
        assert again.hooks[1:] == [*hooks_of(0, first=2), *hooks_of(1), *hooks_of(2), "train ends"]
    assert_same_weights(run, unbroken[0].run.path)


def test_a_training_that_is_interrupted_ends_for_callbacks_too(videos, tmp_path):
    diary = Diary()
    interrupt = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: os.kill(os.getpid(), signal.SIGTERM)
    )
    with pytest.raises(Interrupted, match="stopped at step 1 of 12"):
        trained(videos, tmp_path / "run", diary, interrupt)
    assert diary.hooks == ["train begins", "epoch 0 begins", "batch 0 ends", "train ends"]


class Earlier(keras.callbacks.Callback):
    """Implements batch hooks under their earlier Keras names."""

    def __init__(self):
        super().__init__()
        self.rates = []

    def on_batch_end(self, batch, logs=None):
        self.rates.append((batch, float(self.model.optimizer.learning_rate)))


def test_hooks_find_the_optimizer_and_may_have_earlier_names(videos, tmp_path):
    callback = Earlier()
    result = trained(videos, tmp_path / "run", callback)
    assert [batch for batch, _ in callback.rates] == 3 * [0, 1, 2, 3]
    assert callback.rates[-1][1] == pytest.approx(result.rows[-1]["learning_rate"])


def test_callbacks_of_keras_work(videos, tmp_path):
    lines = []
    found = trained(
        videos,
        tmp_path / "run",
        keras.callbacks.EarlyStopping("val_loss", min_delta=1e6),
        keras.callbacks.CSVLogger(str(tmp_path / "log.csv")),
        keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.keras")),
        keras.callbacks.TensorBoard(str(tmp_path / "board")),
        keras.callbacks.LambdaCallback(
            on_train_begin=lambda logs: lines.append("begins"),
            on_train_batch_end=lambda batch, logs: lines.append(logs["loss"]),
        ),
    )
    # The second epoch is not better than the first by a million.
    assert len(found.rows) == 2
    assert (tmp_path / "log.csv").read_text().count("\n") == 3
    saved = [models.load(tmp_path / f"{epoch}.keras").get_weights() for epoch in (1, 2)]
    for one, other in zip(saved[1], found.run.load_model("last").get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert any((tmp_path / "board").rglob("events*"))
    assert lines[0] == "begins"
    assert len(lines) == 9


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        (keras.callbacks.ReduceLROnPlateau(), "training.schedule"),
        (keras.callbacks.LearningRateScheduler(lambda epoch: 0.1), "training.schedule"),
        (keras.callbacks.EarlyStopping, "not a Keras callback; give instances"),
    ],
)
def test_an_unsupported_callback_is_refused_before_anything_is_written(callback, message, tmp_path):
    with pytest.raises(UserError, match=message):
        trained(tmp_path / "absent", tmp_path / "run", callback)
    with pytest.raises(UserError, match=message):
        resume(tmp_path, callbacks=[callback])
    assert not (tmp_path / "run").exists()
