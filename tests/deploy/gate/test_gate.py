"""Models that lose classes, accuracy or logits are refused, and nothing is written."""

import keras
import numpy as np
import pytest
from exports import FLOAT, INT8, LENIENT, contents

from pan_keras.bundle.description import summary
from pan_keras.deploy import export, exporter
from pan_keras.deploy.gate import gate
from pan_keras.errors import UserError


@pytest.fixture
def knowing(monkeypatch):
    """Makes the Keras model right on every clip; `change` alters the logits of the others."""
    measure = gate.split_logits

    def having(change):
        def split_logits(models, *arguments):
            logits, _ = measure(models, *arguments)
            before = logits[""]
            changed = {name: change(name, found) for name, found in logits.items() if name}
            return {"": before, **changed}, before.argmax(-1)

        monkeypatch.setattr(gate, "split_logits", split_logits)

    return having


def test_int8_beyond_the_limit_is_refused_and_the_earlier_bundle_stays(own_run):
    before = contents(own_run.path / "bundle")
    strict = INT8 | {"int8": {"difference": 0.0}}
    with pytest.raises(UserError, match=r"model_int8\.tflite: a logit is off .* dB\)") as caught:
        export(own_run.path, overrides=strict)
    assert "nothing was written" in str(caught.value)
    assert contents(own_run.path / "bundle") == before
    assert not list(own_run.path.glob(".bundle*"))


def test_int8_that_loses_accuracy_is_refused(own_run, knowing):
    knowing(lambda name, found: np.roll(found, 1, axis=-1) if "int8" in name else found)
    with pytest.raises(UserError, match=r"0\.0%, 100\.0 points below .* more than 1; nothing was"):
        export(own_run.path, overrides={"int8": LENIENT["int8"] | {"drop": 1.0}})


def test_float32_that_changes_a_class_of_the_split_is_refused(own_run, knowing):
    def second_becomes_first(name, found):
        changed = found.copy()
        first, second = changed[0].argsort()[[-1, -2]]
        changed[0, [first, second]] = changed[0, [second, first]]
        return changed

    knowing(second_becomes_first)
    with pytest.raises(UserError, match=r"a logit on test is off by"):
        export(own_run.path, overrides={"export": {"precisions": ["float32"]}})
    loose = {"export": {"precisions": ["float32"]}, "float32": {"difference": 1e3}}
    with pytest.raises(UserError, match=r"of test keep their most probable class"):
        export(own_run.path, overrides=loose)


def test_a_loss_that_may_be_chance_is_printed_and_recorded(own_run, knowing, tmp_path):
    def one_lost(name, found):
        # Ten times as large, to exceed the difference of int8 on any edge input.
        return np.concatenate([10 * np.roll(found[:1], 1, axis=-1), found[1:]])

    knowing(one_lost)
    said = []
    bundle = export(
        own_run.path,
        output=tmp_path / "bundle",
        overrides=INT8
        | {"export": {"precisions": ["int8"]}, "int8": LENIENT["int8"] | {"drop": 1}},
        tell=said.append,
    )
    accuracy = bundle.facts["artefacts"][0]["accuracy"]
    assert (accuracy["paired"]["lost"], accuracy["paired"]["gained"]) == (1, 0)
    assert (
        "12.5 points below the Keras model's, more than 1; however, 1 clip lost"
        in accuracy["doubt"]
    )
    assert f"model_int8.tflite: {accuracy['doubt']}" in said
    card = (bundle.path / "MODEL_CARD.md").read_text()
    assert f"## Doubts\n\n* model_int8.tflite: {accuracy['doubt']}." in card
    assert accuracy["doubt"] in summary(bundle)
    # The largest difference, here on the measured clips, is the one reported.
    assert accuracy["difference"] > bundle.facts["artefacts"][0]["parity"]["difference"]
    assert f"| {accuracy['difference']:.2g} |" in card
    assert f" {accuracy['difference']:.2g} " in summary(bundle)


def test_float32_of_another_model_is_refused(own_run, monkeypatch):
    convert = exporter.converter("tflite")

    def wrong(model, precision, **options):
        model.get_layer("logits").bias.assign_add(keras.ops.ones(8) * np.arange(8) / 10)
        return convert(model, precision, **options)

    monkeypatch.setattr(exporter, "converter", lambda file_format: wrong)
    with pytest.raises(UserError, match=r"model_float32\.tflite: a logit is off by 0\.7"):
        export(own_run.path, overrides=FLOAT)
