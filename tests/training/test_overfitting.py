"""Networks that memorised their training clips give a warning; others do not."""

import pytest

from pan_keras.training.overfitting import overfitting

ROW = {"epoch": 40, "loss": 0.01, "accuracy": 1.0, "val_loss": 0.9, "val_accuracy": 10 / 12}


def test_a_loss_near_zero_with_validation_errors_gives_a_warning():
    said = overfitting([{**ROW, "loss": 2.0}, ROW], classes=6, clips=12)
    assert "only 83% of the 12 validation clips are classified correctly (55% to 95%)" in said


@pytest.mark.parametrize(
    ("change", "clips"),
    [
        ({"loss": 0.3}, 12),
        ({"val_loss": 0.1}, 12),
        ({"val_accuracy": 1.0}, 12),
        ({}, 0),
    ],
)
def test_other_runs_get_no_warning(change, clips):
    assert overfitting([{**ROW, **change}], classes=6, clips=clips) is None
    assert overfitting([], classes=6, clips=12) is None
