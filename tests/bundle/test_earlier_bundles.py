"""Bundles of earlier schema versions, written by earlier code: `tests/golden/before/make.py`."""

import json
from pathlib import Path

import numpy as np
import pytest

from pan_keras.runtime import Bundle, Recogniser, load_model, verify
from pan_keras.runtime.stream import Stream

BEFORE = Path(__file__).parents[1] / "golden/before"
EARLIER = sorted(path.name for path in BEFORE.glob("schema*"))
# Relative to the largest logit: float32 sums in another order, int8 kernels round differently.
EXACT, ROUGH = 1e-4, 0.05


def clip_of(shape):
    return np.random.default_rng(0).integers(0, 256, shape.array, "uint8")


@pytest.mark.parametrize("name", EARLIER)
def test_an_earlier_bundle_verifies(name):
    findings = list(verify(BEFORE / name / "bundle"))

    assert [finding.to_text() for finding in findings if finding.problems] == []
    answered = {
        finding.subject for finding in findings if "no logit is off" in (finding.note or "")
    }
    assert answered == {entry.file for entry in Bundle.open(BEFORE / name / "bundle").entries}


@pytest.mark.parametrize("name", EARLIER)
def test_every_file_of_an_earlier_bundle_gives_the_recorded_logits(name):
    bundle = Bundle.open(BEFORE / name / "bundle")
    expected = json.loads((BEFORE / name / "logits.json").read_text())
    clip = clip_of(bundle.shape)

    assert {entry.file for entry in bundle.entries} | {"model.keras"} == set(expected)
    for entry in bundle.entries:
        engine = load_model(bundle, entry, threads=1)
        if entry.streaming:
            stream = Stream(engine, entry.states)
            found = np.stack([stream(segment) for segment in clip])
        else:
            found = engine({"frames": clip.reshape(-1, *clip.shape[2:])})["logits"][0]
        allowed = EXACT if entry.precision == "float32" else ROUGH
        distance = np.abs(found - expected[entry.file]).max()
        assert distance <= allowed * np.abs(expected[entry.file]).max(), entry.file


@pytest.mark.parametrize("name", EARLIER)
def test_an_earlier_bundle_recognises_files_and_live_video(name):
    recogniser = Recogniser(BEFORE / name / "bundle", precision="float32", threads=1)
    shape, labels = recogniser.bundle.shape, recogniser.bundle.labels
    clip = clip_of(shape)
    expected = json.loads((BEFORE / name / "logits.json").read_text())["model_float32.tflite"]

    answer = recogniser.recognise(clip)
    assert answer.label == labels[int(np.argmax(expected))]
    assert (shape.segments, shape.stack, shape.size, shape.resize) == (4, 2, (24, 32), 28)
    assert (shape.resizing, shape.fit) == (int(name[-1]), "crop")

    rate = recogniser.bundle.live_sampling.rate
    frames = np.random.default_rng(1).integers(0, 256, (60, 40, 56, 3), "uint8")
    watched = [recogniser.watch(frame, place / rate) for place, frame in enumerate(frames)]
    assert sum(each is not None for each in watched) >= shape.segments
