"""Temperature and threshold of a bundle, in all predictions of the runtime."""

import numpy as np
import pytest
from bundles import clips, logits_by_hand, make_bundle

from pan_keras.metrics import softmax
from pan_keras.runtime import Recogniser, verify
from pan_keras.runtime.__main__ import main

FITTED = {
    "temperature": 2.5,
    "threshold": 0.999,
    "split": "val",
    "clips": 12,
    "error_before": 0.2,
    "error_after": 0.1,
    "false_alarms": 0.1,
    "negatives": 0,
}
CLIP = clips()[0]


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    """The bundle of small models with a temperature and an unreachable threshold."""
    return make_bundle(tmp_path_factory.mktemp("calibrated") / "mean", confidence=FITTED).path


def test_a_bundle_with_a_temperature_verifies(calibrated):
    assert [finding.problems for finding in verify(calibrated) if finding.problems] == []


def test_the_temperature_divides_the_logits_of_whole_clips(calibrated):
    answer = Recogniser(calibrated, "float32", threads=1).recognise(CLIP)
    expected = softmax(logits_by_hand(CLIP) / FITTED["temperature"])
    np.testing.assert_allclose(answer.probabilities, expected, atol=1e-6)
    assert answer.top(1)[0][1] == pytest.approx(expected.max(), abs=1e-6)


def test_the_temperature_divides_the_logits_of_a_stream(calibrated):
    recogniser = Recogniser(calibrated, "float32", threads=1)
    answer = [recogniser.step(segment) for segment in CLIP][-1]
    expected = softmax(logits_by_hand(CLIP) / FITTED["temperature"])
    np.testing.assert_allclose(answer.probabilities, expected, atol=1e-6)


def test_an_answer_below_the_threshold_is_unknown_and_keeps_its_best_class(calibrated, bundle):
    answer = Recogniser(calibrated, "float32", threads=1).recognise(CLIP)
    plain = Recogniser(bundle, "float32", threads=1).recognise(CLIP)
    assert answer.label == "unknown"
    assert answer.best == plain.label


def test_without_confidence_a_bundle_has_temperature_one_and_no_threshold(bundle):
    answer = Recogniser(bundle, "float32", threads=1).recognise(CLIP)
    np.testing.assert_allclose(answer.probabilities, softmax(logits_by_hand(CLIP)), atol=1e-6)
    assert answer.label == answer.best


def test_the_command_of_the_runtime_prints_unknown(calibrated, tmp_path, capsys):
    from video_files import write_video

    video = tmp_path / "clip.mp4"
    write_video(video, CLIP[:, 0].repeat(4, axis=0))
    assert main([str(calibrated), str(video), "--threads", "1"]) == 0
    assert ": unknown (" in capsys.readouterr().out


def test_the_model_card_describes_the_calibration(calibrated):
    card = (calibrated / "MODEL_CARD.md").read_text()
    assert "temperature of 2.5" in card
    assert "unknown up to a probability of 0.999" in card
