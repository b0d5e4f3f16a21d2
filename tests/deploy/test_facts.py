"""`model.json` states frame rate, stride and window of the training clips."""

from types import SimpleNamespace

import pytest

from pan_keras.deploy.facts import _sampling


def test_rate_stride_and_window_are_those_of_the_training_clips(run):
    report = run.data_report
    frames, rate = report["frames"]["median"], report["frame_rate"]["median"]
    found = _sampling(SimpleNamespace(shape=run.shape, run=run))
    assert found["method"] == "middle-of-segments"
    assert found["frame_rate"] == rate
    assert found["live"]["stride"] == (frames - 2 + 1) / 4
    assert found["live"]["window_seconds"] == pytest.approx(frames / rate)
