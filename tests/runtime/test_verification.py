"""Verification passes for an unchanged bundle and detects changed files and outputs."""

import json
import struct

import numpy as np
import pytest
from bundles import clips, logits_by_hand
from click.testing import CliRunner

from pan_keras.bundle.embedded import embed, extract
from pan_keras.bundle.writer import sha256
from pan_keras.cli import main
from pan_keras.runtime import Bundle, check, verify
from pan_keras.runtime.__main__ import main as runtime_main


def problems(bundle):
    return {finding.subject: finding.problems for finding in verify(bundle) if finding.problems}


def replace_file(bundle, name, content):
    """Replaces a file and its checksum, as an attacker would."""
    (bundle / name).write_bytes(content)
    facts = json.loads((bundle / "model.json").read_text())
    if name in facts["files"]:
        facts["files"][name] = sha256(content)
    for entry in facts["artefacts"]:
        if entry["file"] == name:
            entry["sha256"] = sha256(content)
    (bundle / "model.json").write_text(json.dumps(facts))


def test_a_fresh_bundle_is_good(bundle):
    subjects = [finding.subject for finding in verify(bundle)]
    assert subjects == [
        "schema",
        "files",
        "facts inside the models",
        "model_float32.tflite",
        "step_float32.tflite",
        "model_float32.onnx",
    ]
    assert problems(bundle) == {}


@pytest.mark.parametrize("name", ["MODEL_CARD.md", "vectors/clip_0.u8", "model_float32.onnx"])
def test_a_changed_file_is_found(own_bundle, name):
    content = bytearray((own_bundle / name).read_bytes())
    content[3] ^= 1
    (own_bundle / name).write_bytes(content)
    assert name in problems(own_bundle)["files"][0]


def test_a_fact_beyond_the_schema_is_found(own_bundle):
    facts = json.loads((own_bundle / "model.json").read_text())
    facts["artefacts"][1]["precision"] = "int3"
    facts["created_by"] = "me"
    (own_bundle / "model.json").write_text(json.dumps(facts))
    schema = " ".join(problems(own_bundle)["schema"])
    assert "artefacts.1.precision" in schema
    assert "created_by" in schema


def test_a_fact_that_differs_from_those_inside_the_models_is_found(own_bundle):
    facts = json.loads((own_bundle / "model.json").read_text())
    facts["labels"] = facts["labels"][::-1]
    (own_bundle / "model.json").write_text(json.dumps(facts))
    assert len(problems(own_bundle)["facts inside the models"]) == 3


@pytest.mark.parametrize("value", [0.5, float("nan")])
def test_another_output_is_detected(own_bundle, value):
    name = "vectors/step_float32.tflite.f32"
    content = (own_bundle / name).read_bytes()
    replace_file(own_bundle, name, content[:-4] + struct.pack("<f", value))
    assert "clip 2: a logit is off by" in problems(own_bundle)["step_float32.tflite"][0]


def test_vectors_are_readable_without_this_package(bundle):
    index = json.loads((bundle / "vectors" / "index.json").read_text())
    assert index["byte_order"] == "little"
    logits = {record["model"]: record for record in index["logits"]}
    step = logits["step_float32.tflite"]
    values = struct.iter_unpack("<f", (bundle / step["file"]).read_bytes())
    steps = np.array([value for (value,) in values]).reshape(step["shape"])
    for record, answers in zip(index["clips"], steps, strict=True):
        clip = np.fromfile(bundle / record["file"], record["dtype"]).reshape(record["shape"])
        np.testing.assert_allclose(answers[-1], logits_by_hand(clip), atol=1e-5)


@pytest.mark.parametrize("name", ["model_float32.tflite", "model_float32.onnx"])
def test_embedding_facts_does_not_change_the_model(bundle, name):
    content, file_format = (bundle / name).read_bytes(), name.rpartition(".")[2]
    facts = extract(file_format, content)
    assert facts["labels"] == ["down", "left", "up"]
    again = embed(file_format, content, {"another": "é"})
    assert extract(file_format, content) == facts
    assert len(again) > len(content)


def test_the_command_exits_with_0_1_or_2(own_bundle):
    good = CliRunner().invoke(main, ["verify", str(own_bundle)])
    assert good.exit_code == 0, good.output
    assert good.output.count("good") == 7

    (own_bundle / "MODEL_CARD.md").write_text("mine")
    bad = CliRunner().invoke(main, ["verify", str(own_bundle)])
    assert bad.exit_code == 1
    assert "MODEL_CARD.md: changed" in bad.output
    record = json.loads(CliRunner().invoke(main, ["verify", str(own_bundle), "--json"]).stdout)
    assert record["good"] is False

    (own_bundle / "model.json").unlink()
    none = CliRunner().invoke(main, ["verify", str(own_bundle)])
    assert none.exit_code == 2
    assert "not a bundle" in none.output


def test_a_device_checks_a_bundle_with_the_runtime_alone(own_bundle, capsys):
    assert runtime_main([str(own_bundle)]) == 0
    assert "model_float32.tflite: good" in capsys.readouterr().out
    replace_file(own_bundle, "vectors/clip_1.u8", clips(1, seed=9).tobytes())
    assert runtime_main([str(own_bundle)]) == 1
    assert "clip 1: a logit is off" in capsys.readouterr().out
    (own_bundle / "model.json").unlink()
    assert runtime_main([str(own_bundle)]) == 2


@pytest.mark.parametrize(("share", "passes"), [(0.9, True), (1.1, False), (-1.1, False)])
@pytest.mark.parametrize("name", ["model_float32.tflite", "step_float32.tflite"])
def test_a_logit_that_is_off_by_more_than_allowed_fails(own_bundle, name, share, passes):
    index = json.loads((own_bundle / "vectors" / "index.json").read_text())
    (record,) = [record for record in index["logits"] if record["model"] == name]
    assert record["max_difference"] == 1e-4
    content = bytearray((own_bundle / record["file"]).read_bytes())
    # Logits of the test models differ by less than a hundredth of this without tampering.
    (value,) = struct.unpack_from("<f", content, len(content) - 4)
    struct.pack_into("<f", content, len(content) - 4, value + share * 1e-4)
    (own_bundle / record["file"]).write_bytes(content)
    facts = json.loads((own_bundle / "model.json").read_text())
    facts["files"][record["file"]] = sha256(bytes(content))
    (own_bundle / "model.json").write_text(json.dumps(facts))
    findings = {finding.subject: finding for finding in check(Bundle.open(own_bundle))}
    assert (findings[name].problems == ()) == passes
