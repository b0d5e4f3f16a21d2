"""Test vectors allow another machine's rounding, and no more."""

import json
import struct
from types import SimpleNamespace

import numpy as np
import pytest
from bundles import clips

from pan_keras.bundle.writer import sha256
from pan_keras.deploy.packing import vector_files
from pan_keras.runtime import Bundle, check

EXACT = 1e-4


def index_of(precision, scale):
    """The index of the vectors of a model with logits of up to `scale`."""
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
def test_float32_is_exact_and_the_others_may_be_off_by_a_twentieth(precision, scale, allowed):
    (record,) = index_of(precision, scale)["logits"]
    assert record["max_difference"] == pytest.approx(allowed, rel=1e-6)


@pytest.mark.parametrize(("share", "passes"), [(0.9, True), (1.1, False), (-1.1, False)])
@pytest.mark.parametrize("name", ["model_float32.tflite", "step_float32.tflite"])
def test_a_logit_that_is_off_by_more_than_allowed_fails(own_bundle, name, share, passes):
    index = json.loads((own_bundle / "vectors" / "index.json").read_text())
    (record,) = [record for record in index["logits"] if record["model"] == name]
    assert record["max_difference"] == EXACT
    content = bytearray((own_bundle / record["file"]).read_bytes())
    # The logits of the tests' models are off by less than a hundredth of this themselves.
    (value,) = struct.unpack_from("<f", content, len(content) - 4)
    struct.pack_into("<f", content, len(content) - 4, value + share * EXACT)
    (own_bundle / record["file"]).write_bytes(content)
    facts = json.loads((own_bundle / "model.json").read_text())
    facts["files"][record["file"]] = sha256(bytes(content))
    (own_bundle / "model.json").write_text(json.dumps(facts))
    findings = {finding.subject: finding for finding in check(Bundle.open(own_bundle))}
    assert (findings[name].problems == ()) == passes
