"""Small model files, and a bundle of them, made in seconds.

Their logits are linear in the mean of the frames, so that tests can compute them by hand.
"""

import tempfile
from types import SimpleNamespace

import numpy as np
import onnx
import tensorflow as tf
from onnx import TensorProto, helper, numpy_helper

from pan_keras.clips import ClipShape
from pan_keras.deploy.artefact import Artefact, StateTensor
from pan_keras.deploy.clips import ExportClips
from pan_keras.deploy.facts import bundle_facts
from pan_keras.deploy.gate.candidate import Candidate, measure_parity
from pan_keras.deploy.packing import choose_vectors, pack, vector_files
from pan_keras.deploy.source import Source

SHAPE = ClipShape(segments=4, stack=2, size=(24, 32), resize=28)
LABELS = ("down", "left", "up")
FACTS = {"ops": {"MEAN": 1}, "converter": "a test"}
WEIGHTS = np.random.default_rng(0).normal(size=(3, len(LABELS))).astype("float32")


def logits_by_hand(clip):
    """Logits of a clip (N, m, H, W, 3), or of the part that a stream has processed."""
    return (clip.reshape(-1, 3).astype("float64") / 255).mean(axis=0) @ WEIGHTS


def clips(count=3, seed=0):
    """Clips of uniform colours with different logits."""
    rng = np.random.default_rng(seed)
    colours = rng.integers(0, 256, (count, SHAPE.segments, 1, 1, 1, 3))
    return np.broadcast_to(colours, (count, *SHAPE.array)).astype("uint8")


def tflite_clip_model(classes=3):
    frames = tf.TensorSpec((SHAPE.segments * SHAPE.stack, *SHAPE.size, 3), tf.uint8, name="frames")
    weights = tf.constant(np.resize(WEIGHTS, (3, classes)))

    def serve(frames):
        return {"logits": tf.reshape(_colour(frames), (1, 3)) @ weights}

    return _tflite(serve, {"frames": frames})


def tflite_step_model():
    """A streaming model on the mean of the last N segments, with a ring buffer as state."""
    inputs = {
        "frames": tf.TensorSpec((SHAPE.stack, *SHAPE.size, 3), tf.uint8, name="frames"),
        "state_0": tf.TensorSpec((SHAPE.segments, 3), tf.float32, name="state_0"),
    }

    def serve(frames, state_0):
        ring = tf.concat([state_0[1:], tf.reshape(_colour(frames), (1, 3))], axis=0)
        return {"logits": tf.reduce_mean(ring, axis=0, keepdims=True) @ WEIGHTS, "state_0": ring}

    return _tflite(serve, inputs)


def _colour(frames):
    """The mean over one axis at a time, which has a smaller rounding error than a single sum."""
    mean = tf.cast(frames, tf.float32) / 255
    for axis in (2, 1, 0):
        mean = tf.reduce_mean(mean, axis=axis)
    return mean


def _tflite(serve, inputs):
    module = tf.Module()
    module.serve = tf.function(serve)
    concrete = module.serve.get_concrete_function(**inputs)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures={"serve": concrete})
        return tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serve"]).convert()


def onnx_clip_model():
    shape = (SHAPE.segments * SHAPE.stack, *SHAPE.size, 3)
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["frames"], ["bytes"], to=TensorProto.FLOAT),
            helper.make_node("Div", ["bytes", "white"], ["colours"]),
            helper.make_node("ReduceMean", ["colours", "across"], ["columns"], keepdims=0),
            helper.make_node("ReduceMean", ["columns", "down"], ["frame_means"], keepdims=0),
            helper.make_node("ReduceMean", ["frame_means", "in_time"], ["mean"], keepdims=0),
            helper.make_node("Reshape", ["mean", "row"], ["feature"]),
            helper.make_node("MatMul", ["feature", "weights"], ["logits"]),
        ],
        "mean",
        [helper.make_tensor_value_info("frames", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, (1, len(LABELS)))],
        [
            numpy_helper.from_array(np.float32(255), "white"),
            numpy_helper.from_array(np.array([2]), "across"),
            numpy_helper.from_array(np.array([1]), "down"),
            numpy_helper.from_array(np.array([0]), "in_time"),
            numpy_helper.from_array(np.array([1, 3]), "row"),
            numpy_helper.from_array(WEIGHTS, "weights"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def make_bundle(folder, **more):
    """Writes a bundle of a TFLite, an ONNX and a streaming model."""
    checked = list(clips())
    expected = np.stack([logits_by_hand(clip) for clip in checked]).astype("float32")
    state = StateTensor("state_0", (SHAPE.segments, 3), "float32")
    candidates = [
        Candidate(artefact, SHAPE, 1)
        for artefact in (
            Artefact("tflite", "float32", False, tflite_clip_model(), FACTS),
            Artefact("tflite", "float32", True, tflite_step_model(), FACTS, (state,)),
            Artefact("onnx", "float32", False, onnx_clip_model(), FACTS),
        )
    ]
    for candidate in candidates:
        candidate.answers = np.stack([candidate.answer(clip) for clip in checked])
        found = np.stack([candidate.last(answer) for answer in candidate.answers])
        candidate.parity = measure_parity(expected, found, edges=1)
        candidate.milliseconds = 1.0
    chosen = choose_vectors(expected, candidates)
    files = vector_files(checked, chosen, candidates, exact=1e-4) | {"preview.png": b"a picture"}
    source = Source(SimpleNamespace(name="mean", count_params=lambda: WEIGHTS.size), LABELS, SHAPE)
    facts = bundle_facts(source, candidates, ExportClips(checked, checked, "colours", None), None)
    return pack(folder, {**facts, **more}, candidates, files)
