"""Tolerances of test vectors allow another machine's rounding and no more."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from bundles import clips

from pan_keras.deploy.packing import vector_files

EXACT = 1e-4


def index_of(precision, scale):
    """Returns the vectors' index of a model with logits up to `scale`."""
    answers = scale * np.linspace(-1, 0.5, 9, dtype="float32").reshape(3, 3)
    candidate = SimpleNamespace(
        name="model", answers=answers, artefact=SimpleNamespace(precision=precision)
    )
    files = vector_files(list(clips(3)), [0, 1, 2], [candidate], EXACT)
    return json.loads(files["vectors/index.json"])


@pytest.mark.parametrize(
    ("precision", "scale", "allowed"),
    [
        ("float32", 20.0, EXACT),
        ("float32", 1e-6, EXACT),
        ("float16", 20.0, 1.0),
        ("dynamic", 2.0, 0.1),
        ("int8", 20.0, 1.0),
        ("int8", 1e-6, EXACT),
    ],
)
def test_tolerances_are_exact_for_float32_and_a_twentieth_for_others(precision, scale, allowed):
    (record,) = index_of(precision, scale)["logits"]
    assert record["max_difference"] == pytest.approx(allowed, rel=1e-6)
