"""Writes MoViNet streams as TFLite files: a script for a separate environment.

Run `python movinet_export.py FOLDER a0 a1 a2` in an environment with tf-models-official. As
pan-keras is not installed there, this script imports nothing of it.

References:
    Kondratyuk et al., "MoViNets: Mobile Video Networks for Efficient Video Recognition", CVPR 2021.
"""

import json
import os
import sys
from pathlib import Path

SIZES = {"a0": 172, "a1": 172, "a2": 224}
CLASSES = 600  # of Kinetics-600, as in the published weights
PRECISIONS = ("float32", "dynamic")


def main(folder: Path, names: list[str]) -> None:
    """Exports networks in both precisions, and writes the facts of each to `NAME.json`."""
    for name in names:
        step, module, macs = stream(name)
        parameters = sum(int(weight.shape.num_elements()) for weight in module.weights)
        saved = folder / f"movinet_{name}"
        tf.saved_model.save(module, str(saved), signatures={"serving_default": step})
        for precision in PRECISIONS:
            converter = tf.lite.TFLiteConverter.from_saved_model(
                str(saved), signature_keys=["serving_default"]
            )
            if precision == "dynamic":
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
            (folder / f"movinet_{name}-{precision}.tflite").write_bytes(converter.convert())
        known = {"parameters": parameters, "macs": macs, "size": SIZES[name]}
        (folder / f"movinet_{name}.json").write_text(json.dumps(known), encoding="utf-8")
        print(f"movinet_{name}", flush=True)  # noqa: T201 (progress, read line by line)


def is_complete(folder: Path, method: str) -> bool:
    """Tells whether a network has been exported completely: the facts are written last."""
    return (folder / f"{method}.json").is_file()


def facts(folder: Path, method: str) -> dict:
    """Returns the parameters, multiply-accumulates and size of an exported network."""
    return json.loads((folder / f"{method}.json").read_text(encoding="utf-8"))


def stream(name: str):
    """Returns one step of a causal MoViNet with random weights and explicit states."""
    size = SIZES[name]
    backbone = movinet.Movinet(
        model_id=name,
        causal=True,
        conv_type="2plus1d",
        se_type="2plus3d",
        activation="hard_swish",
        gating_activation="hard_sigmoid",
        use_positional_encoding=False,
        use_external_states=True,
    )
    model = movinet_model.MovinetClassifier(
        backbone, num_classes=CLASSES, output_states=True, activation="hard_swish"
    )
    shape = [1, 1, size, size, 3]
    model.build(shape)
    specs = {
        key: tf.TensorSpec(state.shape, state.dtype, name=key)
        for key, state in model.initial_state_specs(shape).items()
    }
    specs["image"] = tf.TensorSpec(shape, tf.float32, name="image")

    def call(inputs):
        logits, states = model(inputs)
        return {**states, "logits": logits}

    step = tf.function(call, autograph=False).get_concrete_function(specs)
    module = tf.Module()
    module.step = step
    module.model_variables = list(model.variables)
    module.weights = list(model.trainable_weights)
    return step, module, macs_of(step)


def macs_of(step) -> int:
    """Returns half the floating-point operations that TensorFlow counts in a step."""
    frozen = convert_variables_to_constants_v2(step)
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    return int(tf.compat.v1.profiler.profile(frozen.graph, options=options).total_float_ops) // 2


if __name__ == "__main__":
    # TensorFlow reads both on import; tf-models-official needs Keras 2.
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf
    from official.projects.movinet.modeling import movinet, movinet_model
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    main(Path(sys.argv[1]), sys.argv[2:])
