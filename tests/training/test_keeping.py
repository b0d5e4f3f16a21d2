"""Choice of the kept epoch, its record, and the model files."""

import json

import numpy as np
import pytest

from pan_keras.errors import UserError
from pan_keras.evaluation import evaluate
from pan_keras.metrics.intervals import wilson
from pan_keras.reports import write_report
from pan_keras.runs.run import open_run
from pan_keras.runs.training_record import kept_doubt, kept_text
from pan_keras.training import train
from pan_keras.training.keeping import Keeping

SETTINGS = (
    "model.segments=2",
    "model.stack=2",
    "model.size=32",
    "model.resize=36",
    "training.epochs=3",
    "training.batch=8",
)


def rows(accuracies, losses=None):
    losses = losses or [1.0] * len(accuracies)
    return [
        {"epoch": epoch, "step": 10 * epoch, "val_accuracy": accuracy, "val_loss": loss}
        for epoch, (accuracy, loss) in enumerate(zip(accuracies, losses, strict=True), 1)
    ]


@pytest.mark.parametrize(
    ("asked", "clips", "expected"),
    [("best", 12, 3), ("auto", 12, 4), ("auto", 60, 3), ("loss", 12, 1), ("last", 12, 4)],
)
def test_each_rule_keeps_its_epoch(asked, clips, expected):
    epochs = rows([0.5, 0.75, 0.75, 0.5], [0.2, 0.9, 0.8, 0.7])
    assert Keeping(asked, clips).kept(epochs)["epoch"] == expected


def test_the_last_epoch_is_kept_to_the_edge_of_the_interval_of_the_best():
    low = wilson(9, 12).low
    for last, expected in ((low + 1e-6, 2), (low - 1e-6, 1)):
        assert Keeping("auto", 12).kept(rows([0.75, last]))["epoch"] == expected


def test_early_stopping_keeps_the_best_epoch():
    keeping = Keeping("auto", 12, stops=True)
    assert (keeping.rule, keeping.kept(rows([0.75, 0.5]))["epoch"]) == ("best", 1)


def test_without_validation_clips_the_last_is_kept_and_no_accuracy_is_told():
    epochs = [{"epoch": epoch, "step": epoch} for epoch in (1, 2)]
    record = Keeping("auto", 0).record(epochs)
    assert (record["epoch"], record["rule"]) == (2, "last")
    assert kept_text(record) == "kept: epoch 2 of 2, the last epoch"
    assert kept_doubt(record) is None


@pytest.mark.parametrize("rule", ["best", "loss"])
def test_a_rule_that_needs_validation_clips_is_refused_without(rule):
    with pytest.raises(UserError, match="no validation clips; set it to auto or last"):
        Keeping(rule, 0)


def test_of_equally_good_epochs_the_first_is_kept():
    epochs = rows([0.5, 0.75, 0.75], [1.0, 0.5, 0.5])
    assert Keeping("best", 12).kept(epochs) is epochs[1]


def test_too_few_clips_to_choose_an_epoch_are_reported():
    record = Keeping("best", 12).record(rows([0.25, 0.75, 0.5, 0.67]))
    assert record["interval"] == list(wilson(9, 12))
    assert record["alike"] == 3
    assert "validation accuracy 0.750 (95 % interval 0.468 to 0.911, 12 clips)" in kept_text(record)
    assert "12 validation clips cannot choose between the epochs: 3 of 4" in kept_doubt(record)


@pytest.mark.parametrize(
    ("asked", "clips", "accuracies"),
    [
        ("best", 2000, [0.74, 0.75]),  # a narrow interval
        ("best", 12, [0.1, 0.75]),  # no other epoch is close
        ("last", 12, [0.74, 0.75]),  # no choice was made
    ],
)
def test_enough_clips_give_no_warning(asked, clips, accuracies):
    assert kept_doubt(Keeping(asked, clips).record(rows(accuracies))) is None


@pytest.fixture(scope="module")
def trained(small_motions, tmp_path_factory):
    """A run that keeps its middle epoch."""
    run = tmp_path_factory.mktemp("runs") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Keeping, "best", lambda self, rows: rows[min(1, len(rows) - 1)])
        settings = (*SETTINGS, "training.keep=best")
        return train("motions", root=small_motions, overrides=settings, run=run, quiet=True).run


def test_the_kept_and_the_last_weights_are_both_there(trained):
    checkpoint = max((trained.path / "checkpoints").glob("step-*.npz"))
    assert [file.suffix for file in checkpoint.parent.iterdir()] == [".npz", ".npz"]
    kept, last = (trained.load_model(name).get_weights() for name in ("kept", "last"))
    with np.load(checkpoint) as stored:
        arrays = [stored[name] for name in stored.files]
    newest = [value for value in arrays if value.dtype == "float32"]
    for weight, value in zip(last, newest, strict=False):
        np.testing.assert_array_equal(weight, value)
    assert any((one != other).any() for one, other in zip(kept, last, strict=True))
    assert trained.kept["epoch"] == 2


def test_the_last_weights_are_evaluated_beside_the_kept_ones(trained):
    for checkpoint in ("kept", "last"):
        evaluate(trained.path, checkpoint=checkpoint, progress=False)
    found = [json.loads(file.read_text()) for file in trained.path.rglob("test.json")]
    assert sorted(
        file.parent.relative_to(trained.path).as_posix() for file in trained.path.rglob("test.json")
    ) == ["evaluation", "evaluation/last"]
    probabilities = [[clip["truth_probability"] for clip in each["worst_clips"]] for each in found]
    assert probabilities[0] != probabilities[1]


def test_the_report_names_the_epoch_that_was_kept(trained):
    assert "Kept: epoch 2 of 3" in write_report(trained.path).read_text()


def test_a_run_without_last_weights_gives_an_error(trained, own_run):
    with pytest.raises(UserError, match=r"last\.keras: missing; this run has only the model"):
        own_run.load_model("last")
    with pytest.raises(UserError, match=r"last\.keras: missing"):
        evaluate(own_run.path, checkpoint="last", progress=False)
    assert open_run(own_run.path).kept is None
    # Its metrics rise until the third epoch.
    assert "Kept: epoch 3, the best validation accuracy." in write_report(own_run.path).read_text()


def test_the_best_epoch_is_restored_if_the_last_falls_behind(small_motions, tmp_path):
    """With `auto` the second epoch is kept at first, over the first one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Keeping, "best", lambda self, rows: rows[0])
        patch.setattr(Keeping, "kept", lambda self, rows: rows[-1] if len(rows) < 3 else rows[0])
        run = train(
            "motions", root=small_motions, overrides=SETTINGS, run=tmp_path / "run", quiet=True
        ).run
    files = {name: (run.path / f"{name}.keras").read_bytes() for name in ("model", "best", "last")}
    assert files["model"] == files["best"] != files["last"]
    assert run.kept["epoch"] == 1
