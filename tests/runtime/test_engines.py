"""Both engines give the same outputs, run clips the same way and can be timed."""

import numpy as np
import pytest
from bundles import SHAPE, clips, logits_by_hand

from pan_keras.errors import UserError
from pan_keras.runtime import Bundle, load_model
from pan_keras.runtime.loading import load_engine
from pan_keras.runtime.stream import run_clip

CLIP = clips(1)[0]
FRAMES = CLIP.reshape(-1, *CLIP.shape[2:])


@pytest.fixture(params=["tflite", "onnx"])
def engine(request, bundle):
    opened = Bundle.open(bundle)
    return load_model(opened, opened.choose(file_format=request.param), threads=1)


def test_an_engine_describes_its_inputs_and_outputs(engine):
    assert engine.inputs == {"frames": ((8, 24, 32, 3), "uint8")}
    assert engine.outputs == {"logits": ((1, 3), "float32")}


def test_a_bound_model_keeps_its_inputs(engine):
    frames = FRAMES.copy()
    run = engine.bound({"frames": frames})
    for _ in range(2):
        found = run()
    if found is None:  # LiteRT leaves its output in the interpreter
        (output,) = run.__self__.get_output_details()
        found = [run.__self__.get_tensor(output["index"])]
    np.testing.assert_allclose(found[0][0], logits_by_hand(CLIP), atol=1e-5)
    np.testing.assert_allclose(
        engine({"frames": FRAMES})["logits"][0], logits_by_hand(CLIP), atol=1e-5
    )


def test_a_clip_is_one_call_of_a_clip_model(engine):
    (call,) = run_clip(engine, CLIP)
    np.testing.assert_array_equal(call["frames"], FRAMES)
    np.testing.assert_allclose(call["logits"][0], logits_by_hand(CLIP), atol=1e-5)


def test_a_clip_is_one_call_per_segment_of_a_streaming_model(bundle):
    opened = Bundle.open(bundle)
    engine = load_model(opened, opened.choose(streaming=True), threads=1)
    calls = list(run_clip(engine, CLIP))
    assert len(calls) == SHAPE.segments
    np.testing.assert_allclose(calls[-1]["logits"][0], logits_by_hand(CLIP), atol=1e-5)
    again = list(run_clip(engine, CLIP))
    np.testing.assert_array_equal(calls[0]["logits"], again[0]["logits"])


@pytest.mark.parametrize("file_format", ["tflite", "onnx"])
def test_a_file_that_is_not_a_model_is_refused_in_one_sentence(file_format):
    with pytest.raises(UserError, match=f"^{file_format}: the runtime refuses this model"):
        load_engine(file_format, b"nothing that runs", threads=1)
