"""Quantised files: accuracy, operations left in float, and the facts about them."""

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from deployed import clips, last_logits, make, run

from pan_keras.deploy.formats import quantise_tflite, tflite
from pan_keras.deploy.formats.flatbuffer import list_tflite, output_tensors, read_tflite
from pan_keras.deploy.formats.onnx import to_onnx
from pan_keras.deploy.formats.quantise_tflite import CONSTANT_FIRST, TOO_LARGE, quantise_to_int8
from pan_keras.deploy.formats.ranges import tensor_ranges, trimmed
from pan_keras.deploy.formats.tflite import to_tflite
from pan_keras.flow.upsampling import Upsampling
from pan_keras.runtime.litert_engine import LiteRTEngine


@pytest.fixture(scope="module")
def model():
    return make("pan_lite_micro")


@pytest.fixture(scope="module")
def some(model):
    return clips(model, 8)


@pytest.fixture(scope="module")
def quantised(model, some):
    return to_tflite(model, "int8", calibration=some)


def test_bytes_are_fed_unchanged(quantised):
    interpreter = Interpreter(model_content=quantised.content)
    (frames,) = interpreter.get_input_details()
    assert frames["dtype"] == np.uint8
    assert frames["quantization"] == (1.0, 0)
    assert "CAST" not in quantised.facts["ops"]


def test_only_listed_operations_compute_in_float(quantised):
    kinds = {
        operation.name
        for operation in list_tflite(quantised.content).operations
        if operation.outputs[0].dtype == "float32"
    }
    listed = quantised.facts["float_ops"]
    assert kinds - {"DEQUANTIZE"} == listed.keys()
    assert "squares" in listed["SQRT"]
    assert not any("no form" in reason for reason in listed.values())


def test_convolutions_but_one_are_in_eight_bits(quantised):
    convolutions = [
        operation.outputs[0].dtype
        for operation in list_tflite(quantised.content).operations
        if operation.name == "CONV_2D"
    ]
    assert convolutions.count("float32") == 1
    assert len(convolutions) > 8


@pytest.mark.parametrize(
    ("precision", "share"), [("float16", 0.6), ("dynamic", 0.4), ("int8", 0.4)]
)
def test_smaller_files_give_nearly_the_same(precision, share, model, some):
    whole = to_tflite(model)
    small = to_tflite(model, precision, calibration=some)
    assert len(small.content) < share * len(whole.content)
    found, expected = last_logits(small, some), last_logits(whole, some)
    assert np.abs(found - expected).max() < 0.1 * np.abs(expected).max()


def test_motion_is_an_optional_output_in_float(model, some):
    expected = model.intermediates(some[:1])["motion"][0]
    for convert in (to_tflite, to_onnx):
        artefact = convert(model, "int8", calibration=some, with_motion=True)
        motion = run(artefact, some[0])[0]["motion"]
        np.testing.assert_allclose(motion, expected, rtol=0, atol=0.03 * np.max(expected))


@pytest.mark.parametrize("convert", [to_tflite, to_onnx])
def test_int8_requires_clips(convert, model):
    with pytest.raises(ValueError, match="needs clips to calibrate on"):
        convert(model, "int8")


def test_a_precision_that_does_not_exist_is_refused(model):
    with pytest.raises(ValueError, match="precision must be one of"):
        to_tflite(model, "int4")
    with pytest.raises(ValueError, match="ONNX has float32 and int8"):
        to_onnx(model, "float16")


def test_dynamic_batch_and_streaming_exclude_each_other(model):
    with pytest.raises(ValueError, match="remove streaming or the dynamic batch"):
        to_onnx(model, streaming=True, dynamic_batch=True)


def test_onnx_takes_any_number_of_clips_with_a_dynamic_batch(model, some):
    import onnxruntime

    artefact = to_onnx(model, dynamic_batch=True)
    session = onnxruntime.InferenceSession(artefact.content, providers=["CPUExecutionProvider"])
    for count in (1, 3):
        frames = some[:count].reshape(-1, 32, 40, 3)
        (found,) = session.run(["logits"], {"frames": frames})
        expected = model.predict_on_batch(some[:count])
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_ranges_are_those_of_the_tensors(model, some):
    content = to_tflite(model, with_motion=True).content
    ranges, count = tensor_ranges(content, some[:1])
    motion = model.intermediates(some[:1])["motion"]
    span = ranges[output_tensors(read_tflite(content))["motion"]]
    assert count == 1
    assert span == pytest.approx((np.min(motion), np.max(motion)), abs=1e-4)


def test_one_clip_in_a_thousand_does_not_widen_the_range():
    calm = [np.array([[-1.0], [1.0]])] * 999
    ((low, high),) = trimmed([*calm, np.array([[-50.0], [50.0]])])
    assert (low, high) == (-1.0, 1.0)


def small_graph():
    """A convolution, then two products whose first operand is constant."""
    frames = keras.Input(batch_shape=(2, 8, 8, 3), dtype="uint8", name="frames")
    maps = keras.layers.Conv2D(4, 3, name="convolution")(keras.ops.cast(frames, "float32"))
    return keras.Model({"frames": frames}, {"maps": Upsampling(2, name="enlarged")(maps)})


def test_a_product_whose_first_operand_is_constant_stays_in_float():
    keras.utils.set_random_seed(0)
    generator = np.random.default_rng(0)
    clip = generator.integers(0, 256, (1, 2, 8, 8, 3), "uint8")
    content = tflite.convert(small_graph())
    quantised, facts = quantise_to_int8(content, [clip], {})
    assert facts["float_ops"]["BATCH_MATMUL"] == CONSTANT_FIRST
    assert "CONV_2D" not in facts["float_ops"]
    exact, near = (LiteRTEngine(each)({"frames": clip[0]})["maps"] for each in (content, quantised))
    np.testing.assert_allclose(near, exact, atol=0.02 * np.ptp(exact))


def test_weights_that_the_quantiser_cannot_take_stay_in_float(monkeypatch):
    monkeypatch.setattr(quantise_tflite, "LARGEST_WEIGHTS", 100)
    clip = np.zeros((1, 2, 8, 8, 3), "uint8")
    _, facts = quantise_to_int8(tflite.convert(small_graph()), [clip], {})
    assert facts["float_ops"]["CONV_2D"] == TOO_LARGE
