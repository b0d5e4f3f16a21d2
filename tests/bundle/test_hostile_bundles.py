"""Hostile bundles: every reader refuses them with one sentence, and all readers agree."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from bundles import SHAPE
from click.testing import CliRunner
from damage import put_anywhere
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pan_keras.bundle.writer import sha256
from pan_keras.cli import main
from pan_keras.errors import UserError
from pan_keras.runtime import Bundle, Recogniser, check
from pan_keras.runtime.__main__ import main as runtime_main

INDEX = "vectors/index.json"
MODEL = "model_float32.tflite"
CLIP = np.zeros(SHAPE.array, np.uint8)


def facts_of(bundle):
    return json.loads((bundle / "model.json").read_text())


def write_facts(bundle, facts):
    """Writes the facts with the files' actual checksums."""
    for entry in facts["artefacts"]:
        entry["sha256"] = sha256((bundle / entry["file"]).read_bytes())
    for name in facts["files"]:
        if (bundle / name).is_file():
            facts["files"][name] = sha256((bundle / name).read_bytes())
    (bundle / "model.json").write_text(json.dumps(facts))


def change_index(bundle, change):
    index = json.loads((bundle / INDEX).read_text())
    change(index)
    (bundle / INDEX).write_text(json.dumps(index))
    write_facts(bundle, facts_of(bundle))


def change_facts(bundle, change):
    facts = facts_of(bundle)
    change(facts)
    write_facts(bundle, facts)


def index_is(text):
    def change(bundle):
        (bundle / INDEX).write_text(text)
        write_facts(bundle, facts_of(bundle))

    return change


def index_is_not_listed(bundle):
    (bundle / INDEX).unlink()
    change_facts(bundle, lambda facts: facts["files"].pop(INDEX))


def pipe_in_place_of_a_file(bundle):
    (bundle / "preview.png").unlink()
    os.mkfifo(bundle / "preview.png")


def facts_are_a_pipe(bundle):
    (bundle / "model.json").unlink()
    os.mkfifo(bundle / "model.json")


def device_in_place_of_a_model(bundle):
    (bundle / MODEL).unlink()
    (bundle / MODEL).symlink_to("/dev/zero")


def record(path, **values):
    """Changes a record of the index, such as `clips.0`."""
    name, number = path.split(".")
    return lambda bundle: change_index(
        bundle, lambda index: index[name][int(number)].update(values)
    )


def fact(path, value):
    """Changes a fact, such as `input.width`."""

    def change(facts):
        *parents, name = path.split(".")
        for parent in parents:
            facts = facts[int(parent) if parent.isdecimal() else parent]
        facts[name] = value

    return lambda bundle: change_facts(bundle, change)


HOSTILE = {
    "index is text": index_is("hello"),
    "index is a number": index_is("7"),
    "index is deep": index_is("[" * 100_000 + "]" * 100_000),
    "index is not listed": index_is_not_listed,
    "index names a device": record("clips.0", file="/dev/zero"),
    "index names a file outside": record("clips.0", file="../../../etc/passwd"),
    "index has clips of objects": record("clips.0", dtype="O"),
    "index has clips of another shape": record("clips.0", shape=[10**9, 10**9]),
    "index takes any difference": record("logits.0", max_difference=float("inf")),
    "index takes no number for difference": record("logits.0", max_difference="all"),
    "index lacks a model": lambda bundle: change_index(bundle, lambda index: index["logits"].pop()),
    "index lacks a clip": lambda bundle: change_index(bundle, lambda index: index["clips"].pop()),
    "index has no clips": lambda bundle: change_index(bundle, lambda index: index.update(clips=[])),
    "facts are deep": lambda bundle: (bundle / "model.json").write_text("[" * 10**5 + "]" * 10**5),
    "facts are not Unicode": lambda bundle: (bundle / "model.json").write_bytes(b"\xff\xfe{"),
    "facts are a pipe": facts_are_a_pipe,
    "a file is a pipe": pipe_in_place_of_a_file,
    "a model is a device": device_in_place_of_a_model,
    "no models": lambda bundle: change_facts(bundle, lambda facts: facts.update(artefacts=[])),
    "labels with escapes": fact("labels", ["a\x1b[2J", "b", "c"]),
    "labels of numbers": fact("labels", [1, 2, 3]),
    "half the width": fact("input.width", SHAPE.size[1] // 2),
    "another number of segments": fact("input.segments", 3),
    "segments without end": fact("input.segments", 10**12),
    "a width of half a pixel": fact("input.width", 0.5),
    "a width of true": fact("input.width", True),
    "resized without end": fact("input.resize", 10**7),
    "a state without end": fact("artefacts.1.states.0.shape", [10**6, 10**6]),
    "a state of another shape": fact("artefacts.1.states.0.shape", [9, 3]),
    "a state of objects": fact("artefacts.1.states.0.dtype", "O"),
    "a state under another name": fact("artefacts.1.states.0.name", "state_7"),
    "logits without a shape": fact("artefacts.0.signature.outputs.0.shape", []),
    "a confidence of text": fact("confidence", "high"),
    "a confidence without a threshold": fact("confidence", {"temperature": 1.0}),
    "a temperature of 0": fact("confidence", {"temperature": 0, "threshold": None}),
    "a temperature without end": fact("confidence", {"temperature": 10**400, "threshold": None}),
    "a threshold above 1": fact("confidence", {"temperature": 1.0, "threshold": 1.5}),
    "a checksum that is not text": lambda bundle: (bundle / "model.json").write_text(
        json.dumps(facts_of(bundle) | {"files": {"preview.png": 7}})
    ),
}


def outcomes(bundle, capsys):
    """Exit codes of both commands; checks that neither shows a traceback."""
    full = CliRunner().invoke(main, ["verify", str(bundle), "--threads", "1"])
    assert full.exception is None or isinstance(full.exception, SystemExit), full.exception
    small = runtime_main([str(bundle), "--threads", "1"])
    shown = capsys.readouterr()
    for text in (full.output, shown.out, shown.err):
        assert "Traceback" not in text
        assert "\x1b" not in text
    return full.exit_code, small


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_both_commands_refuse_it_with_the_same_error(change, own_bundle, capsys):
    change(own_bundle)
    full, small = outcomes(own_bundle, capsys)
    assert full == small != 0


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_the_recogniser_answers_or_refuses_in_one_sentence(change, own_bundle):
    change(own_bundle)
    try:
        recogniser = Recogniser(own_bundle, threads=1)
        assert np.isfinite(recogniser.logits(CLIP)).all()
        recogniser.step(CLIP[0])
    except UserError as error:
        assert "\n" not in str(error)


def test_a_consistently_wrong_width_is_detected_from_the_model(own_bundle):
    facts = facts_of(own_bundle)
    facts["input"]["width"] //= 2
    for entry in facts["artefacts"]:
        for tensor in entry["signature"]["inputs"]:
            if tensor["name"] == "frames":
                tensor["shape"][-2] //= 2
    write_facts(own_bundle, facts)
    with pytest.raises(UserError, match=r"model_float32\.tflite: takes frames uint8 .* 32, 3"):
        Recogniser(own_bundle)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_arbitrary_facts_are_read_or_refused(bundle, tmp_path_factory, data):
    facts = facts_of(bundle)
    put_anywhere(facts, data, JSON)
    folder = tmp_path_factory.mktemp("facts")
    for file in bundle.iterdir():
        if file.name != "model.json":
            (folder / file.name).symlink_to(file)
    (folder / "model.json").write_text(json.dumps(facts))
    try:
        opened = Bundle.open(folder)
        list(check(opened, threads=1))
    except UserError as error:
        assert str(folder) in str(error)


RUN_MUTANTS = """
import random, sys
from pathlib import Path
import numpy as np
from pan_keras.errors import UserError
from pan_keras.runtime.loading import load_engine

content, outcomes = Path(sys.argv[1]).read_bytes(), set()
for seed in range(int(sys.argv[2])):
    draw, mutant = random.Random(seed), bytearray(content)
    for _ in range(8):
        mutant[draw.randrange(len(mutant))] = draw.choice([0, 127, 128, 255])
    try:
        engine = load_engine(sys.argv[3], bytes(mutant), 1)
        shape, dtype = engine.inputs["frames"]
        engine({"frames": np.zeros(shape, dtype)})
        outcomes.add("ran")
    except (UserError, KeyError) as error:
        outcomes.add(type(error).__name__)
print(sorted(outcomes))
"""


@pytest.mark.parametrize("name", [MODEL, "model_float32.onnx"])
def test_mutated_models_are_refused_or_run(bundle, name):
    """Runs in a process of its own, because a runtime may crash it."""
    found = subprocess.run(
        [sys.executable, "-c", RUN_MUTANTS, bundle / name, "60", name.rpartition(".")[2]],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in found.stderr, found.stderr[-2000:]
    assert found.returncode == 0
    assert "UserError" in found.stdout
