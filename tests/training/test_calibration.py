"""Training ends with a calibration on the validation clips."""

import csv
import json

import numpy as np
import pytest
from exports import FLOAT
from small_settings import SMALL

from pan_keras.bundle import Bundle
from pan_keras.deploy import export
from pan_keras.errors import UserError
from pan_keras.inference import calibrate, open_classifier, predict
from pan_keras.inference.views import ViewClassifier
from pan_keras.metrics import fit_temperature
from pan_keras.runs import open_run
from pan_keras.training import resume, session, train

SETTINGS = (
    *SMALL,
    "training.batch=8",
    "training.learning_rate=0.02",
)
VALIDATION = 12


@pytest.fixture(scope="module")
def table(small_motions, tmp_path_factory):
    """Clips of two classes, of which twelve are for validation."""
    rows = []
    for label in ("approach", "recede"):
        videos = sorted(small_motions.rglob(f"*/{label}/*.mp4"))[:6]
        rows += [(video, label, "train") for video in videos]
    videos = sorted(set(small_motions.rglob("*.mp4")) - {video for video, *_ in rows})
    for place, video in enumerate(videos[:VALIDATION]):
        rows.append((video, ("approach", "recede")[place % 2], "val"))
    path = tmp_path_factory.mktemp("table") / "clips.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label", "split"), *rows])
    return path


def train_on(table, run, *overrides, quiet=True):
    return train(table, config="small", overrides=(*SETTINGS, *overrides), run=run, quiet=quiet)


@pytest.fixture(scope="module")
def trained(table, tmp_path_factory):
    return train_on(table, tmp_path_factory.mktemp("runs") / "run", "training.false_alarms=0.5")


def test_the_temperature_of_the_validation_clips_is_stored_in_the_run(trained):
    run = open_run(trained.run.path)
    clips = [clip for clip in run.identity.clips if clip.split == "val"]
    classify = ViewClassifier(open_classifier(run.path))
    logits = np.stack(
        [each.scores for each in classify([run.identity.root / c.path for c in clips])]
    )
    labels = np.array([run.labels.index(clip.label) for clip in clips])
    assert run.confidence_record["clips"] == VALIDATION
    assert run.confidence.temperature == pytest.approx(fit_temperature(logits, labels), rel=1e-3)
    assert run.confidence.temperature != 1


def test_the_result_has_the_calibration_and_predictions_use_it(trained):
    confidence = open_run(trained.run.path).confidence
    assert trained.run.confidence == confidence
    assert trained.to_json()["temperature"] == confidence.temperature
    assert trained.to_json()["threshold"] == confidence.threshold
    assert open_classifier(trained.run.path).confidence == confidence


@pytest.mark.slow
def test_a_bundle_has_the_calibration_of_the_training(trained, tmp_path):
    run = open_run(trained.run.path)
    clips = np.random.default_rng(0).integers(0, 256, (32, *run.shape.array), "uint8")
    bundle = export(run.path, calibration=clips, output=tmp_path / "bundle", overrides=FLOAT)
    assert run.confidence.threshold is not None
    assert Bundle.open(bundle.path).confidence == run.confidence


def test_the_threshold_is_that_of_the_share_of_false_alarms(trained, tmp_path):
    record = open_run(trained.run.path).confidence_record
    assert record["false_alarms"] == 0.5
    assert record["threshold"] is not None
    again = calibrate(trained.run.path, false_alarms=0.5).record
    assert again["threshold"] == pytest.approx(record["threshold"], rel=1e-6)


def test_without_a_share_there_is_no_threshold_and_the_temperature_is_printed(
    table, tmp_path, capsys
):
    result = train_on(table, tmp_path / "run", quiet=False)
    assert result.run.confidence.threshold is None
    printed = capsys.readouterr().err
    assert f"fitted on {VALIDATION} validation clips" in printed
    assert "unknown" not in printed


def test_a_training_that_ends_before_its_calibration_gets_it_on_resuming(
    table, trained, tmp_path, monkeypatch
):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(session, "calibrate", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train_on(table, tmp_path / "run", "training.false_alarms=0.5")
    assert open_run(tmp_path / "run").confidence_record is None
    result = resume(tmp_path / "run", quiet=True)
    assert len(result.rows) == 1
    expected, found = trained.run.confidence_record, dict(result.run.confidence_record)
    assert found.pop("model_sha256")
    assert found == {name: value for name, value in expected.items() if name != "model_sha256"}


def test_resuming_keeps_a_calibration_with_another_share(table, tmp_path):
    run = train_on(table, tmp_path / "run").run.path
    calibrate(run, false_alarms=0.5)
    before = (run / "confidence.json").read_bytes()
    assert resume(run, quiet=True).run.confidence.threshold is not None
    assert (run / "confidence.json").read_bytes() == before


def test_a_failed_calibration_is_a_warning_and_the_training_remains(
    table, tmp_path, monkeypatch, capsys
):
    def refuse(*arguments, **options):
        raise UserError("the disk is away; bring it back")

    monkeypatch.setattr(session, "calibrate", refuse)
    result = train_on(table, tmp_path / "run")
    assert len(result.rows) == 1
    assert result.run.confidence_record is None
    assert "warning: not calibrated: the disk is away" in capsys.readouterr().err


def test_few_validation_clips_leave_the_temperature_at_one(small_motions, tmp_path, capsys):
    result = train(
        "motions", root=small_motions, overrides=SETTINGS, run=tmp_path / "run", quiet=False
    )
    assert result.run.confidence_record is None
    assert json.loads(json.dumps(result.to_json()))["temperature"] == 1
    assert "validation clips are too few to fit one, hold out 10 or more" in capsys.readouterr().err


def test_too_few_validation_clips_for_the_share_are_refused_before_training(table, tmp_path):
    with pytest.raises(UserError, match="needs 19 validation clips, and the data have 12"):
        train_on(table, tmp_path / "run", "training.false_alarms=0.05")
    assert not (tmp_path / "run").exists()


def test_predictions_below_the_threshold_are_unknown(trained, table):
    clip = next(each for each in trained.run.identity.clips if each.split == "val")
    (found,) = predict(trained.run.path, trained.run.identity.root / clip.path)
    threshold = trained.run.confidence.threshold
    assert found.unknown == (found.predictions[0][1] <= threshold)
