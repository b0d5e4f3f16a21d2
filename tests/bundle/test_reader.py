"""Damaged and altered bundles are refused with one sentence."""

import json
import shutil

import pytest
from bundles import LABELS, SHAPE, tflite_clip_model

from pan_keras.bundle import writer
from pan_keras.errors import UserError
from pan_keras.runtime import Bundle, Recogniser


def change(bundle, **values):
    """Changes facts without updating the checksums, as an edit by hand would."""
    file = bundle / "model.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_a_bundle_describes_its_contents(bundle):
    opened = Bundle.open(bundle)
    assert opened.labels == LABELS
    assert opened.shape == SHAPE
    assert [entry.file for entry in opened.entries] == [
        "model_float32.tflite",
        "step_float32.tflite",
        "model_float32.onnx",
    ]
    assert opened.choose(file_format="onnx").file == "model_float32.onnx"
    assert opened.choose(streaming=True).states == {"state_0": ((4, 3), "float32", "state_0")}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"schema_version": True}, "schema version True"),
        ({"schema_version": []}, r"schema version \[\]"),
        ({"schema_version": 7}, "schema version 7, but this pan-keras reads 1 to 3"),
        ({"labels": ["left", "right"]}, "gives 3 logits, but the bundle has 2 labels"),
        ({"labels": 3}, "malformed"),
        ({"input": {}}, "'segments' is missing"),
        ({"artefacts": [{}]}, "'format' is missing"),
        ({"files": {"../secret": "0"}}, "names a file outside the bundle"),
        ({"files": {"/etc/passwd": "0"}}, "names a file outside the bundle"),
        ({"files": {"absent.txt": "0"}}, r"absent\.txt: missing from the bundle"),
    ],
)
def test_bad_facts_are_refused(own_bundle, values, message):
    change(own_bundle, **values)
    with pytest.raises(UserError, match=message) as caught:
        Bundle.open(own_bundle)
    assert str(own_bundle) in str(caught.value)


def test_a_bundle_without_fit_and_resizing_is_read_with_their_first_values(own_bundle):
    given = json.loads((own_bundle / "model.json").read_text())["input"]
    assert (given.pop("resizing"), given.pop("fit")) == (2, "crop")
    change(own_bundle, input=given, schema_version=1)
    opened = Bundle.open(own_bundle)
    assert (opened.shape.resizing, opened.shape.fit) == (1, "crop")
    change(own_bundle, input=given | {"resizing": 2, "fit": "letterbox"})
    opened = Bundle.open(own_bundle)
    assert (opened.shape.resizing, opened.shape.fit) == (2, "letterbox")


@pytest.mark.parametrize(
    ("values", "message"),
    [({"resizing": 9}, "version 9 is not known"), ({"fit": "stretch"}, "'stretch' is not one of")],
)
def test_a_bundle_that_needs_a_newer_runtime_is_refused(own_bundle, values, message):
    given = json.loads((own_bundle / "model.json").read_text())["input"]
    change(own_bundle, input=given | values)
    with pytest.raises(UserError, match=message) as caught:
        Bundle.open(own_bundle)
    assert str(own_bundle) in str(caught.value)


def test_a_folder_without_model_json_is_refused(tmp_path):
    with pytest.raises(UserError, match="not a bundle"):
        Bundle.open(tmp_path)
    (tmp_path / "model.json").write_text("{")
    with pytest.raises(UserError, match="not JSON"):
        Bundle.open(tmp_path)
    (tmp_path / "model.json").write_text("[]")
    with pytest.raises(UserError, match="not a JSON object"):
        Bundle.open(tmp_path)


def test_a_missing_model_is_named(own_bundle):
    (own_bundle / "step_float32.tflite").unlink()
    with pytest.raises(UserError, match=r"step_float32\.tflite: missing"):
        Bundle.open(own_bundle)


def test_a_changed_model_is_not_run(own_bundle):
    file = own_bundle / "model_float32.tflite"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"model_float32\.tflite: changed since it was exported"):
        Recogniser(own_bundle)


def test_a_model_with_other_classes_is_not_run(own_bundle):
    content = tflite_clip_model(classes=5)
    facts = json.loads((own_bundle / "model.json").read_text())
    (own_bundle / "model_float32.tflite").write_bytes(content)
    facts["artefacts"][0]["sha256"] = writer.sha256(content)
    (own_bundle / "model.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match="gives 5 logits, but the bundle has 3 labels"):
        Recogniser(own_bundle)


@pytest.mark.parametrize("name", ["model_float32.tflite", "model_float32.onnx"])
def test_a_model_that_its_runtime_refuses_is_named(own_bundle, name):
    facts = json.loads((own_bundle / "model.json").read_text())
    for entry in facts["artefacts"]:
        if entry["file"] == name:
            entry["sha256"] = writer.sha256(b"nothing that runs")
    (own_bundle / name).write_bytes(b"nothing that runs")
    (own_bundle / "model.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match="the runtime refuses this model"):
        Recogniser(own_bundle, file_format=name.rpartition(".")[2])


def test_a_bundle_can_be_moved(bundle, tmp_path):
    moved = shutil.copytree(bundle, tmp_path / "elsewhere")
    assert Recogniser(moved).bundle.labels == LABELS
