"""Exported models are timed beside each other; figures depend on the machine, so none is here."""

import json

import pytest
from deployed import make

from pan_keras.bench.deployed import measure_deployed
from pan_keras.bench.parts import time_parts
from pan_keras.deploy.formats.tflite import to_tflite
from pan_keras.errors import UserError

SMALL = {"segments": 4, "stack": 2, "size": 32, "threads": 1, "steps": 2}


@pytest.fixture(scope="module")
def times():
    return measure_deployed("pan_lite_micro", streaming=True, **SMALL)


def test_measures_every_form_format_and_precision(times):
    found = {(case.form, case.format, case.precision) for case in times.cases}
    made = {
        (form, kind, bits)
        for form in ("fast", "step")
        for kind in ("tflite", "onnx")
        for bits in ("float32", "int8")
    }
    assert found == {("plain", "tflite", "float32"), *made}


def test_rates_are_of_the_frames_that_a_call_takes(times):
    for case in times.cases:
        frames = 2 if case.form == "step" else 8
        assert case.frames_per_second == pytest.approx(1000 * frames / case.milliseconds)
        assert 0 < case.fastest <= case.milliseconds


def test_prints_a_table_or_one_json_object(times):
    assert len(times.to_text().splitlines()) == 2 + len(times.cases)
    assert json.loads(times.to_json())["input"] == [4, 2, 32, 32, 3]


def test_a_saved_model_is_timed_as_it_is(tmp_path):
    make("tsn_micro", stack=1).save(tmp_path / "model.keras")
    times = measure_deployed(str(tmp_path / "model.keras"), threads=1, steps=1)
    assert times.input == (4, 1, 32, 40, 3)


def test_a_model_that_does_not_exist_or_cannot_stream_is_refused(tmp_path):
    with pytest.raises(UserError, match="did you mean 'pan_lite_micro'"):
        measure_deployed("panlite_micro", **SMALL)
    make("pan_lite_micro").save(tmp_path / "model.keras")
    with pytest.raises(UserError, match=r"model\.causal=true"):
        measure_deployed(str(tmp_path / "model.keras"), streaming=True, threads=1, steps=1)


def test_the_parts_of_a_model_are_named_and_cover_it():
    model = make("pan_lite_micro")
    parts = time_parts(to_tflite(model).content, threads=1, steps=2)
    names = [part.name for part in parts]
    assert names[0] == "frames"
    assert {"pa_features", "pa_norm", "conv1", "layer1_0", "layer3_0", "aggregation"} <= {*names}
    assert len(names) == len({*names})
    assert sum(part.milliseconds for part in parts) > 0
