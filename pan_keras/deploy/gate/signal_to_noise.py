"""Signal-to-noise ratio of the tensors inside an int8 model."""

from collections.abc import Mapping, Sequence

import numpy as np

from pan_keras.deploy.artefact import Artefact
from pan_keras.deploy.gate.candidate import Candidate

CLIPS = 4
DEQUANTISED = "_DequantizeLinear_Output"  # what ONNX Runtime appends to a tensor's name
Values = Mapping[str, np.ndarray]


def worst_tensors(
    quantised: Candidate, floating: Artefact, clips: Sequence[np.ndarray], most: int = 5
) -> list[tuple[str, float]]:
    """Finds the tensors of an int8 model that differ most from those of the float model.

    Args:
        quantised: The int8 model.
        floating: The float32 model of the same format and kind.
        clips: Some clips uint8 `(N, m, H, W, 3)`; a streaming model takes the first segment.
        most: Largest number of tensors.

    Returns:
        Names and signal-to-noise ratios in decibels, lowest first.
    """
    read = _tflite_tensors if floating.format == "tflite" else _onnx_tensors
    powers: dict[str, np.ndarray] = {}
    for clip in clips[:CLIPS]:
        inputs = quantised.inputs(clip)
        found = read(quantised.artefact.content, inputs)
        wanted = read(floating.content, inputs)
        for name in found.keys() & wanted.keys():
            signal, value = wanted[name].astype("float64"), found[name].astype("float64")
            if signal.shape == value.shape:
                pair = np.array([(signal**2).sum(), ((signal - value) ** 2).sum()])
                powers[name] = powers.get(name, 0) + pair
    ratios = {
        name: float(10 * np.log10(signal / max(noise, 1e-30)))
        for name, (signal, noise) in powers.items()
        if signal > 0
    }
    return sorted(ratios.items(), key=lambda pair: pair[1])[:most]


def _tflite_tensors(content: bytes, inputs: Values) -> dict[str, np.ndarray]:
    from pan_keras.runtime.litert_engine import LiteRTEngine  # noqa: PLC0415

    engine = LiteRTEngine(content, keep_tensors=True, delegates=False)
    engine(inputs)
    interpreter = engine.interpreter
    tensors = {}
    for detail in interpreter.get_tensor_details():
        scales = detail["quantization_parameters"]["scales"]
        if detail["dtype"] not in (np.float32, np.int8) or detail["shape"].size < 2:
            continue
        try:
            value = interpreter.get_tensor(detail["index"])
        except ValueError:  # a tensor that no operation writes
            continue
        if detail["dtype"] == np.int8:
            if scales.size != 1:  # a kernel with per-channel scales
                continue
            zero = detail["quantization_parameters"]["zero_points"][0]
            value = (value.astype("float32") - zero) * scales[0]
        # The converter joins the names of fused operations; the first is enough.
        tensors[detail["name"].partition(";")[0]] = value
    return tensors


def _onnx_tensors(content: bytes, inputs: Values) -> dict[str, np.ndarray]:
    import onnx  # noqa: PLC0415

    from pan_keras.runtime.onnx_engine import OnnxEngine  # noqa: PLC0415

    model = onnx.shape_inference.infer_shapes(onnx.load_from_string(content))
    made = {name for node in model.graph.node for name in node.output}
    made -= {output.name for output in model.graph.output}
    model.graph.output.extend(
        info
        for info in model.graph.value_info
        if info.name in made and info.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    )
    values = OnnxEngine(model.SerializeToString(), optimised=False)(inputs)
    # In a quantised model, the value of a tensor is the output of its dequantise node.
    return values | {
        name.removesuffix(DEQUANTISED): value
        for name, value in values.items()
        if name.endswith(DEQUANTISED)
    }
