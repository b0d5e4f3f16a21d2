"""Whole models are measured in every form, runtime and precision."""

import json
import shutil

import pytest
from deployed import make

from pan_keras.bench import model as subject
from pan_keras.bench.benchmark import Budget
from pan_keras.bench.model import measure_model
from pan_keras.bench.parts import time_parts
from pan_keras.bench.results import Results
from pan_keras.deploy.formats.tflite import to_tflite
from pan_keras.errors import UserError

# Each runtime starts in a separate process.
pytestmark = pytest.mark.slow

SMALL = {"segments": 4, "stack": 2, "size": 32, "threads": 1, "quick": True}
ONE_ROUND = Budget(0.0, 1, 1)


@pytest.fixture(scope="module")
def one_round():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subject, "QUICK", ONE_ROUND)
        yield


@pytest.fixture(scope="module")
def results(one_round):
    return measure_model("pan_lite_micro", streaming=True, parts=True, **SMALL)


def test_every_form_runtime_and_precision_is_measured(results):
    found = {(row.graph, row.target, row.precision) for row in results.rows}
    assert found == {("plain", "keras", "float32"), ("plain", "litert", "float32")} | {
        (form, runtime, bits)
        for form in ("fast", "step")
        for runtime in ("litert", "onnxruntime")
        for bits in ("float32", "int8")
    }
    assert [row.error for row in results.rows] == [None] * len(results.rows)


def test_clips_are_checked_against_the_model_as_trained(results):
    for row in results.rows:
        if row.graph != "step":
            assert row.difference < 1e-3
            assert row.snr_db > (80 if row.precision == "float32" else 10)


def test_the_time_of_a_call_is_that_of_inference(results):
    for row in results.rows:
        assert set(row.milliseconds) == {"preprocess", "run", "read_back"}
        assert row.p50_ms == pytest.approx(row.milliseconds["run"], rel=1e-3)
        frames = 2 if row.graph == "step" else 8
        assert row.frames_per_second == pytest.approx(1000 * frames / row.p50_ms, rel=1e-3)


def test_costs_are_those_of_a_clip_and_of_a_step(results):
    clip, step = (next(r for r in results.rows if r.graph == form) for form in ("fast", "step"))
    assert clip.parameters == step.parameters > 100_000
    assert clip.macs == pytest.approx(4 * step.macs, rel=1e-3)


def test_the_parts_of_tflite_models_are_timed(results):
    told = [row for row in results.rows if "parts" in row.facts]
    assert {row.target for row in told} == {"litert"}
    assert "pa_norm" in next(r for r in told if r.graph == "fast").facts["parts"]
    assert "parts of pan_lite_micro litert fast float32, ms:" in results.to_text()


def test_results_follow_the_schema_and_are_read_again(results):
    content = json.loads(json.dumps(results.to_json()))
    assert Results.from_json(content) == results


def test_a_larger_batch_is_one_call_in_every_runtime(one_round):
    options = {**SMALL, "batch": 2, "precisions": ["int8"]}
    results = measure_model("tsn_micro", targets=["litert", "onnxruntime"], **options)
    assert [row.error for row in results.rows] == [None] * 2
    assert {row.batch for row in results.rows} == {2}
    assert all(row.difference < 1e-3 for row in results.rows)


def test_the_files_of_a_bundle_are_measured_as_they_are(one_round, bundle):
    results = measure_model(str(bundle), threads=1, quick=True)
    assert [row.error for row in results.rows] == [None] * len(results.rows)
    assert {(row.target, row.precision) for row in results.rows} >= {("litert", "float32")}


def test_a_bundle_that_fails_its_verification_is_refused(one_round, bundle, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(bundle, copy)
    file = next(copy.glob("*.tflite"))
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match="fails its verification"):
        measure_model(str(copy), threads=1, quick=True)


def test_a_model_that_does_not_exist_or_cannot_stream_is_refused(one_round, tmp_path):
    with pytest.raises(UserError, match="did you mean 'pan_lite_micro'"):
        measure_model("panlite_micro", **SMALL)
    make("pan_lite_micro").save(tmp_path / "model.keras")
    with pytest.raises(UserError, match=r"model\.causal=true"):
        measure_model(str(tmp_path / "model.keras"), streaming=True, threads=1, quick=True)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"targets": ["tpu"]}, "target: 'tpu' is not one of"),
        ({"targets": ["opencv"]}, "cannot be measured with opencv"),
        ({"precisions": ["int4"]}, "precision: 'int4' is not one of"),
    ],
)
def test_unknown_targets_and_precisions_are_refused(options, sentence):
    with pytest.raises(UserError, match=sentence):
        measure_model("pan_lite_micro", **SMALL, **options)


def test_the_parts_of_a_model_are_named_and_cover_it():
    model = make("pan_lite_micro")
    parts = time_parts(to_tflite(model).content, threads=1, steps=2)
    names = [part.name for part in parts]
    assert names[0] == "frames"
    assert {"pa_features", "pa_norm", "conv1", "layer1_0", "layer3_0", "aggregation"} <= {*names}
    assert len(names) == len({*names})
    assert sum(part.milliseconds for part in parts) > 0
