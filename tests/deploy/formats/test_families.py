"""Every model family exports to both formats, for clips and streams, with the same logits."""

import numpy as np
import pytest
from deployed import clips, last_logits, make

from pan_keras import models
from pan_keras.clips import ClipShape
from pan_keras.deploy.formats.onnx import to_onnx
from pan_keras.deploy.formats.tflite import to_tflite
from pan_keras.deploy.gate.structure import structure_problems

pytestmark = pytest.mark.slow  # all families with all converters

# Every family that takes frames, with the smallest backbone; every option that changes the graph,
# with some family.
FAMILIES = [name for name in models.names("*_micro") if name != "flow_micro"]
CHOICES = [
    ("pan_lite_resnet18", {"causal": True}),
    ("pan_lite_micro", {"aggregation": "vip"}),
    ("pan_lite_micro", {"aggregation": "average", "shift": False}),
    ("pan_lite_micro", {"segments": 6}),
    ("pan_lite_micro", {"size": (31, 40)}),
    ("pan_lite_micro", {"dtype": "mixed_float16"}),
    ("pa_micro", {"stack": 2}),
    ("difference_micro", {"stack": 2}),
    ("tsn_micro", {"stack": 1}),
]
CASES = [(name, {}) for name in FAMILIES] + CHOICES
CLOSE = 1e-4


def shape_of(model):
    return ClipShape(model.segments, model.stack, model.size, max(model.size))


@pytest.mark.parametrize(("name", "options"), CASES)
def test_gives_the_logits_of_the_trained_model(name, options):
    model = make(name, **options)
    some = clips(model)
    # A half-precision model is exported in float32, which is more accurate than the model itself.
    close = 0.05 if "dtype" in options else CLOSE
    expected = model.predict_on_batch(some)
    for convert in (to_tflite, to_onnx):
        artefact = convert(model)
        assert structure_problems(artefact, shape_of(model), classes=5) == []
        np.testing.assert_allclose(last_logits(artefact, some), expected, rtol=0, atol=close)


@pytest.mark.parametrize("convert", [to_tflite, to_onnx])
@pytest.mark.parametrize("name", FAMILIES)
def test_int8_gives_nearly_the_same_logits(name, convert):
    model = make(name)
    some = clips(model, count=8)
    artefact = convert(model, "int8", calibration=some)
    assert structure_problems(artefact, shape_of(model), classes=5) == []
    found, expected = last_logits(artefact, some), model.predict_on_batch(some)
    cosine = np.sum(found * expected, axis=1) / (
        np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    )
    assert cosine.min() > 0.995
