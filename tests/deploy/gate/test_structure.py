"""A file that devices do not support is refused with a reason."""

from dataclasses import replace

import keras
import onnx
import pytest
from deployed import make
from keras import ops

from pan_keras.clips import ClipShape
from pan_keras.deploy.artefact import Artefact, StateTensor
from pan_keras.deploy.formats.onnx import convert as convert_to_onnx
from pan_keras.deploy.formats.onnx import to_onnx
from pan_keras.deploy.formats.tflite import convert, to_tflite
from pan_keras.deploy.gate.structure import check_structure, structure_problems
from pan_keras.deploy.graph.network import plain_graph
from pan_keras.errors import UserError

SHAPE = ClipShape(2, 1, (4, 4), 4)
SIZE = (2, 4, 4, 3)


def graph_of(function, shape=SIZE, output="logits"):
    """Makes a graph from frames to one output."""
    frames = keras.Input(batch_shape=shape, dtype="uint8", name="frames")
    return keras.Model({"frames": frames}, {output: function(ops.cast(frames, "float32"))})


def problems(function, shape=SIZE):
    content = convert(graph_of(function, shape))
    return structure_problems(Artefact("tflite", "float32", False, content), SHAPE, classes=3)


def logits(maps):
    return ops.expand_dims(ops.mean(maps, axis=(0, 1, 2)), 0)


def test_a_good_model_has_no_problem():
    assert problems(logits) == []


def test_tensors_with_too_many_axes_are_a_problem():
    def five(frames):
        return logits(ops.transpose(ops.expand_dims(frames, 2), (0, 3, 1, 2, 4))[:, 0])

    assert any("5 axes" in problem for problem in problems(five))


def test_a_maximum_over_an_axis_is_a_problem():
    assert any(
        "REDUCE_MAX" in each
        for each in problems(lambda x: ops.expand_dims(ops.max(x, (0, 1, 2)), 0))
    )


def test_inputs_of_another_shape_are_a_problem():
    (problem,) = problems(logits, (2, 4, 6, 3))
    assert problem == "its input frames is uint8 (2, 4, 6, 3) and not uint8 (2, 4, 4, 3)"


def test_logits_of_another_shape_are_a_problem():
    (problem,) = problems(lambda frames: logits(frames)[:, :2])
    assert problem.startswith("its output logits is float32 (1, 2)")


def test_unexpected_and_missing_outputs_are_problems():
    content = convert(graph_of(lambda frames: 2 * frames, output="scores"))
    found = structure_problems(Artefact("tflite", "float32", False, content), SHAPE, classes=3)
    assert "it has an unexpected output scores" in found
    assert "it lacks the output logits" in found


def test_the_graph_as_it_was_trained_is_refused():
    model = make("pan_lite_micro")
    artefact = Artefact("tflite", "float32", False, convert(plain_graph(model)))
    with pytest.raises(UserError, match="of 6 axes, but delegates support 4"):
        check_structure(artefact, ClipShape(4, 3, (32, 40), 40), 5)


@pytest.mark.parametrize("convert", [to_tflite, to_onnx])
def test_states_that_do_not_match_are_a_problem(convert):
    model = make("tsn_micro", stack=1)
    step = convert(model, streaming=True)
    shape = ClipShape(4, 1, (32, 40), 40)
    check_structure(step, shape, 5)
    wrong = replace(step, states=(StateTensor("state_0", (9, 9), "float32"),))
    assert len(structure_problems(wrong, shape, 5)) == 2


def test_an_onnx_operation_outside_the_standard_is_a_problem():
    proto = convert_to_onnx(graph_of(logits))
    proto.graph.node[0].domain = "com.example"
    proto.opset_import.append(onnx.helper.make_opsetid("com.example", 1))
    artefact = Artefact("onnx", "float32", False, proto.SerializeToString())
    assert any("is not built in" in each for each in structure_problems(artefact, SHAPE, 3))
