"""Time of a training step and of its parts."""

import json
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass

from pan_keras.errors import UserError
from pan_keras.timing import time_in_turns


@dataclass(frozen=True)
class TrainStep:
    """A measured training step.

    Attributes:
        model: Registry name.
        segments: N.
        stack: m.
        size: Height and width in pixels.
        batch: Clips per step.
        threads: Threads of one operation, and operations at a time.
        steps: Steps measured, after the warm-up.
        seconds: `min`, `median` and `max` of a step.
        clips_per_second: At the median.
        breakdown: Median seconds of parts that are measured by themselves, forward and backward
            unless said otherwise: `forward` (the whole network), `forward_backward`, `optimizer`
            (the rest of a step), `pa`, `backbone`, `aggregation` (with the classifier); the last
            three of each branch where there are several, such as `rgb/backbone`.
    """

    model: str
    segments: int
    stack: int
    size: tuple[int, int]
    batch: int
    threads: int
    steps: int
    seconds: dict[str, float]
    clips_per_second: float
    breakdown: dict[str, float]

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps(asdict(self))

    def to_text(self) -> str:
        """A few lines of text."""
        height, width = self.size
        seconds = self.seconds
        lines = [
            f"{self.model}, {self.segments}x{self.stack} frames of {height}x{width} px, "
            f"batch {self.batch}, {self.threads} threads, {self.steps} steps",
            f"step     {seconds['median']:.3f} s median "
            f"({seconds['min']:.3f} to {seconds['max']:.3f}), "
            f"{self.clips_per_second:.2f} clips/s",
        ]
        width = max(map(len, self.breakdown))
        lines += [f"  {part:<{width}}  {value:.3f} s" for part, value in self.breakdown.items()]
        return "\n".join(lines)


def measure_train_step(
    name: str = "pan_lite_resnet18",
    *,
    segments: int = 8,
    stack: int = 4,
    size: int | tuple[int, int] = 112,
    batch: int = 8,
    threads: int = 2,
    steps: int = 10,
) -> TrainStep:
    """Times steps of training on random frames, as `--config paper` takes them.

    It is `TrainingStep` itself that is timed: forward, backward, and the optimizer with the paper's
    groups of weights, decay and clipping; the batch in one part, in float32.

    Args:
        name: One of `pan_keras.models.names()`.
        segments: N.
        stack: m.
        size: Height and width in pixels, or one number for both.
        batch: Clips per step.
        threads: Threads TensorFlow may use; it takes them once, when it starts.
        steps: Steps to time, after two that compile and warm up.

    Raises:
        UserError: If TensorFlow has started with another number of threads, or the model cannot be
            made.

    Example:
        >>> result = measure_train_step("pan_lite_micro", size=64, batch=2, steps=3)
        >>> result.seconds["median"]
        0.031
    """
    use_threads(threads)
    # After the threads are set, since this starts TensorFlow.
    from pan_keras import models  # noqa: PLC0415

    try:
        model = models.create(name, classes=10, segments=segments, stack=stack, size=size)
    except ValueError as error:
        raise UserError(f"model: {error}") from error
    functions = {**whole(model, batch), **parts(model, batch)}
    seconds = time_in_turns(functions, steps)
    step = seconds.pop("step")
    breakdown = {key: statistics.median(values) for key, values in seconds.items()}
    median = statistics.median(step)
    breakdown["optimizer"] = max(0.0, median - breakdown["forward_backward"])
    return TrainStep(
        model=name,
        segments=segments,
        stack=stack,
        size=tuple(model.size),
        batch=batch,
        threads=threads,
        steps=steps,
        seconds={"min": min(step), "median": median, "max": max(step)},
        clips_per_second=batch / median,
        breakdown=breakdown,
    )


def use_threads(count: int) -> None:
    """Limits TensorFlow to a number of threads.

    Raises:
        UserError: If it has started with another number.
    """
    import tensorflow as tf  # noqa: PLC0415

    threading = tf.config.threading
    wanted = (count, count)
    try:
        threading.set_intra_op_parallelism_threads(count)
        threading.set_inter_op_parallelism_threads(count)
    except RuntimeError as error:
        actual = (
            threading.get_intra_op_parallelism_threads(),
            threading.get_inter_op_parallelism_threads(),
        )
        if actual != wanted:
            raise UserError(
                f"threads: TensorFlow has started with {actual} threads; measure with {count} in "
                "a new process"
            ) from error


def whole(model, batch: int) -> dict[str, Callable]:
    """Functions that run the forward pass, both passes, and a whole step."""
    import tensorflow as tf  # noqa: PLC0415

    from pan_keras.config import load_config  # noqa: PLC0415
    from pan_keras.training.optimisation.losses import cross_entropy  # noqa: PLC0415
    from pan_keras.training.optimisation.optimizers import create_optimizer  # noqa: PLC0415
    from pan_keras.training.optimisation.schedules import PAPER  # noqa: PLC0415
    from pan_keras.training.optimisation.training_step import TrainingStep  # noqa: PLC0415

    frames = tf.cast(255 * tf.random.uniform((batch, *model.input_shape[1:])), "uint8")
    labels = tf.range(batch, dtype="int32") % model.classes
    optimizer = create_optimizer(load_config("paper"), model, steps=1000, length=PAPER)
    step = TrainingStep(model, optimizer, cross_entropy())
    forward = tf.function(lambda frames: model(frames, training=True))
    backward = tf.function(step.differentiate)
    return {
        "step": lambda: step(iter([(frames, labels)])),
        "forward": lambda: forward(frames),
        "forward_backward": lambda: backward(frames, labels, tf.ones(())),
    }


def parts(model, batch: int) -> dict[str, Callable]:
    """Functions that run both passes of a part of the model, on random input."""
    import tensorflow as tf  # noqa: PLC0415

    from pan_keras.models import VideoNetwork, networks  # noqa: PLC0415

    if not isinstance(model, VideoNetwork):
        return {
            f"{name}/{part}": function
            for name, network in networks(model).items()
            for part, function in parts(network, batch).items()
        }
    height, width = model.size
    rows = batch * model.segments
    channels, features = model.backbone.input_shape[-1], model.backbone.output_shape[-1]
    layers = {layer.name: layer for layer in model.layers}
    pa = layers.get("persistence_of_appearance")
    aggregation = next(layers[name] for name in ("vap", "vip", "average") if name in layers)
    functions = {
        "backbone": differentiated(
            lambda maps: model.backbone(maps, training=True),
            model.backbone.trainable_variables,
            tf.random.normal((rows, height, width, channels)),
            # The gradient goes on into PA, where there is one.
            to_input=pa is not None,
        ),
        "aggregation": differentiated(
            lambda features: layers["logits"](aggregation(features)),
            [*aggregation.trainable_variables, *layers["logits"].trainable_variables],
            tf.random.normal((batch, model.segments, features)),
            to_input=True,
        ),
    }
    if pa is not None:
        stacks = tf.random.normal((rows, model.stack, height, width, 3))
        functions["pa"] = differentiated(pa, pa.trainable_variables, stacks, to_input=False)
    return functions


def differentiated(call, variables, inputs, *, to_input: bool) -> Callable:
    """A function that runs `call` and its gradient to weights and, if wanted, to its input."""
    import tensorflow as tf  # noqa: PLC0415

    weights = [variable.value for variable in variables]

    @tf.function
    def run(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            total = tf.reduce_sum(call(inputs))
        return tape.gradient(total, [*weights, *([inputs] if to_input else [])])

    return lambda: run(inputs)
