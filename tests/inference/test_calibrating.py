"""Calibration of a run: the fit, its record, and its use in predictions."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from pan_keras.cli import main
from pan_keras.errors import UserError
from pan_keras.inference import calibrate, open_classifier, predict
from pan_keras.metrics import Confidence, fit_temperature, softmax
from pan_keras.runs import open_run
from pan_keras.runs.run_data import open_run_data

NEEDED = {"temperature", "threshold", "split", "clips", "error_before", "error_after"}


@pytest.fixture(scope="module")
def sure_run(make_run, small_motions, tmp_path_factory):
    """An untrained network with high confidence, and a dozen validation clips."""
    from run_folders import untrained_run

    folder = tmp_path_factory.mktemp("sure") / "run"
    run = untrained_run(folder, small_motions, sureness=200.0)
    identity = run.identity
    # All test clips become validation clips, as in data with more of them.
    clips = [
        type(clip)(**{**vars(clip), "split": "val" if clip.split == "test" else clip.split})
        for clip in identity.clips
    ]
    run.write_identity(type(identity)(tuple(clips), identity.root))
    return open_run(folder)


@pytest.fixture
def own(sure_run, tmp_path):
    import shutil

    return open_run(shutil.copytree(sure_run.path, tmp_path / "run"))


def validated(run):
    """Logits and classes of the validation clips."""
    classifier = open_classifier(run.path, batch=4)
    clips = open_run_data(run).videos.clips("val")
    found = [next(iter(predict_logits(classifier, clip.path))) for clip in clips]
    return np.stack(found), np.array([clip.label for clip in clips])


def predict_logits(classifier, path):
    from pan_keras.inference.views import ViewClassifier

    for each in ViewClassifier(classifier)([path]):
        yield each.scores


def test_the_temperature_is_that_of_the_validation_clips(own):
    logits, labels = validated(own)
    found = calibrate(own)
    assert len(labels) >= 10
    assert found.record["clips"] == len(labels)
    assert found.record["temperature"] == pytest.approx(fit_temperature(logits, labels), rel=1e-3)
    assert found.record["temperature"] > 1.5
    assert found.record["error_after"] < found.record["error_before"]


def test_it_is_kept_in_the_run_and_used_by_predictions(own):
    clip = open_run_data(own).videos.clips("val")[0].path
    (before,) = predict(own.path, clip, top=8)
    fitted = calibrate(own)
    confidence = open_run(own.path).confidence
    assert confidence == Confidence(fitted.record["temperature"])
    (after,) = predict(own.path, clip, top=8)
    logits = next(predict_logits(open_classifier(own.path), clip))
    expected = np.sort(softmax(logits / confidence.temperature))[::-1]
    assert [label for label, _ in after.predictions] == [label for label, _ in before.predictions]
    np.testing.assert_allclose([share for _, share in after.predictions], expected, atol=1e-5)


def test_calibrating_again_gives_the_same_temperature(own):
    first = calibrate(own).record["temperature"]
    assert calibrate(own).record["temperature"] == pytest.approx(first, rel=1e-9)


def test_the_report_draws_reliability_before_and_after(own, tmp_path):
    from pan_keras.reports.calibration_section import calibration_section

    assert calibration_section(open_run(own.path)) is None
    calibrate(own, false_alarms=0.2)
    page = str(calibration_section(open_run(own.path)))
    assert page.count("<svg") == 2
    assert "expected calibration error" in page
    assert "keep their answer" in page


def test_the_record_of_another_model_is_ignored(own):
    calibrate(own)
    model = own.path / "model.keras"
    model.write_bytes(model.read_bytes() + b"\0")
    assert open_run(own.path).confidence == Confidence()


def test_other_checkpoints_of_the_run_are_not_calibrated(own):
    calibrate(own)
    (own.path / "last.keras").write_bytes((own.path / "model.keras").read_bytes())
    assert open_classifier(own.path, checkpoint="last").confidence == Confidence()


@pytest.mark.parametrize("content", ["{", "[]", '{"temperature": 0}', '{"temperature": 1.0}'])
def test_a_damaged_record_gives_one_sentence(own, content):
    (own.path / "confidence.json").write_text(content)
    with pytest.raises(UserError, match=r"confidence\.json: damaged"):
        _ = open_run(own.path).confidence


def test_a_threshold_without_its_share_of_false_alarms_is_damaged(own):
    record = calibrate(own, false_alarms=0.2).record | {"false_alarms": None}
    (own.path / "confidence.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match=r"confidence\.json: damaged"):
        _ = open_run(own.path).confidence


def test_a_threshold_keeps_wrong_answers_below_the_wanted_share(own):
    logits, labels = validated(own)
    record = calibrate(own, false_alarms=0.2).record
    shares = softmax(logits / record["temperature"])
    wrong = (shares.argmax(1) != labels) & (shares.max(1) > record["threshold"])
    assert wrong.sum() <= 0.2 * (len(labels) + 1) - 1
    assert record["answered"] == (shares.max(1) > record["threshold"]).sum()
    assert 0 < record["threshold"] < 1


def test_negatives_raise_the_threshold_until_few_of_them_get_an_answer(own, small_motions):
    negatives = sorted(small_motions.rglob("*.mp4"))[:20]
    assert len(negatives) == 20
    plain = calibrate(own, false_alarms=0.1).record["threshold"]
    record = calibrate(own, false_alarms=0.1, negatives=negatives).record
    assert record["threshold"] >= plain
    assert record["negatives"] == 20
    assert record["negatives_answered"] <= 1


def test_too_few_clips_for_the_wanted_share_give_one_sentence(own):
    with pytest.raises(UserError, match=r"needs 99 clips, there are \d+ of the validation clips"):
        calibrate(own, false_alarms=0.01)
    assert not (own.path / "confidence.json").exists()


def test_a_run_without_validation_clips_gives_one_sentence(own):
    identity = own.identity
    clips = [type(clip)(**{**vars(clip), "split": "train"}) for clip in identity.clips]
    own.write_identity(type(identity)(tuple(clips), identity.root))
    with pytest.raises(UserError, match="no validation clips to calibrate on"):
        calibrate(open_run(own.path))


def test_a_model_with_constant_logits_gives_one_sentence(own):
    model = own.load_model()
    model.get_layer("logits").kernel.assign(0 * model.get_layer("logits").kernel)
    model.save(own.path / "model.keras")
    with pytest.raises(UserError, match="no temperature can be fitted"):
        calibrate(own)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_a_share_outside_zero_to_one_is_refused(own, share):
    with pytest.raises(UserError, match="give a number above 0 and below 1"):
        calibrate(own, false_alarms=share)


def test_negatives_without_a_share_are_refused(own, small_motions):
    with pytest.raises(UserError, match="also give the share"):
        calibrate(own, negatives=[small_motions])


def test_the_command_prints_only_json(own):
    result = CliRunner().invoke(main, ["calibrate", str(own.path), "--json"])
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert record.keys() >= NEEDED
    assert sum(each["clips"] for each in record["reliability"]["after"]) == record["clips"]


def test_the_command_prints_the_fit_and_how_to_choose_a_threshold(own):
    result = CliRunner().invoke(main, ["calibrate", str(own.path)])
    assert "validation clips" in result.stdout
    assert "--false-alarms" in result.stdout
    result = CliRunner().invoke(main, ["calibrate", str(own.path), "--false-alarms", "0.001"])
    assert result.exit_code == 2
    assert len(result.output.strip().splitlines()) == 1
