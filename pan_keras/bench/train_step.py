"""Measures time and memory of a training step, and the time of its parts."""

import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

from pan_keras.bench.benchmark import Benchmark, Budget
from pan_keras.bench.building import Progress
from pan_keras.bench.case import Case, Work
from pan_keras.bench.process import keras_backend
from pan_keras.bench.results import Results, measured_results
from pan_keras.bench.session import Timing
from pan_keras.errors import UserError
from pan_keras.installation import missing_part

PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")
FULL = Budget(60.0)
QUICK = Budget(10.0, 2, 4)


def measure_train_step(
    name: str = "pan_lite_resnet18",
    *,
    segments: int = 8,
    stack: int = 4,
    size: int | tuple[int, int] = 112,
    batches: Sequence[int] = (8,),
    precisions: Sequence[str] = ("float32",),
    threads: int = 2,
    parts: bool = False,
    quick: bool = False,
    budget: Budget | None = None,
    progress: Progress = lambda _: None,
) -> Results:
    """Times training steps on random frames, as `--config paper` takes them.

    `TrainingStep` itself is timed: forward pass, backward pass, and the optimizer with the paper's
    parameter groups, weight decay and clipping, without gradient accumulation. Each case has its
    own process, whose peak memory is that of training without the data pipeline.

    Args:
        name: One of `pan_keras.models.names()`.
        segments: N.
        stack: m.
        size: Height and width in pixels, or one number for both.
        batches: Batch sizes in clips, one case each.
        precisions: Some of `PRECISIONS`, as `training.precision`; one case each.
        threads: Number of threads TensorFlow may use.
        parts: Whether to also time the parts of a step separately, each forward and backward unless
            noted: `forward` (the whole network, forward only), `forward_backward`, `optimizer` (the
            rest of a step), `pa`, `backbone` and `aggregation` (with the classifier), as far as the
            network has them; the last three per branch if there are several, such as
            `rgb/backbone`. The memory then includes all parts.
        quick: Whether to run only few rounds.
        budget: Time for the rounds; the default depends on `quick`.
        progress: Called with a line of text about the current step.

    Returns:
        A row per batch size and precision.

    Raises:
        UserError: If TensorFlow is not installed or not the backend, a precision does not exist, or
            the model cannot be built.

    Example:
        >>> results = measure_train_step("pan_lite_micro", size=64, batches=[2, 8], quick=True)
        >>> [row.clips_per_second for row in results.rows]
        [41.2, 65.0]
    """
    check_tensorflow()
    for precision in precisions:
        if precision not in PRECISIONS:
            raise UserError(f"precision: {precision!r} is not one of {', '.join(PRECISIONS)}")
    height, width = (size, size) if isinstance(size, int) else size
    cases = [
        Case(
            name,
            "keras",
            work=Work(segments, stack, height, width, batch),
            graph="step",
            precision=precision,
            threads=threads,
            opener="pan_keras.bench.train_step:open_session",
            options={"parts": parts},
        )
        for precision in precisions
        for batch in batches
    ]
    check_model(cases[0])
    benchmark = Benchmark(cases, budget or (QUICK if quick else FULL), progress=progress)
    work = {"benchmark": "train-step", **cases[0].work.to_json(), "quick": quick}
    return measured_results(benchmark, work)


def check_tensorflow() -> None:
    """Checks that training can run here.

    Raises:
        UserError: If TensorFlow is not installed, or Keras is configured for another backend.
    """
    if find_spec("tensorflow") is None:
        missing = missing_part(ModuleNotFoundError(name="tensorflow"))
        raise UserError(f"train-step: training runs on TensorFlow alone, and {missing}")
    if (backend := keras_backend()) != "tensorflow":
        raise UserError(
            f"train-step: training runs on TensorFlow alone, and KERAS_BACKEND is {backend}; "
            "unset it"
        )


class TrainStepSession:
    """Takes compiled training steps on one batch of random frames.

    Args:
        case: Its `method` is the registry name of the model.
    """

    divisible = False

    def __init__(self, case: Case):
        from pan_keras.bench.targets.keras import device, set_threads  # noqa: PLC0415

        set_threads(case.threads)
        self.model = model = create_model(case)
        self.device = device()
        self.backend: str | None = _backend()
        self.units = case.work.batch
        self.facts: dict[str, Any] = {}
        self._functions = whole(model, case.work.batch, case.precision)
        self._step = self._functions.pop("step")
        self._parts: dict[str, Callable[[], object]] = {}
        if case.options["parts"]:
            self._parts = {**self._functions, **parts(model, case.work.batch)}

    def run(self, _units: int) -> Timing:
        """Takes a step, and then runs each of its parts separately."""
        whole = _seconds(self._step)
        found = {name: _seconds(function) for name, function in self._parts.items()}
        if found:
            found["optimizer"] = max(0.0, whole - found["forward_backward"])
        self.facts |= _gpu_memory()
        return Timing((whole,), found)

    def answer(self) -> None:
        """Returns nothing, since random frames have no expected answer."""


def open_session(case: Case) -> TrainStepSession:
    """Builds the model of the case and its training step."""
    return TrainStepSession(case)


def create_model(case: Case) -> Any:
    """Creates the model of a case with fresh weights."""
    from pan_keras import models  # noqa: PLC0415

    work = case.work
    return models.create(
        case.method,
        classes=10,
        segments=work.segments,
        stack=work.stack,
        size=(work.height, work.width),
        dtype=case.precision,
    )


def check_model(case: Case) -> None:
    """Raises UserError if there is no such model, or it cannot be built for such clips."""
    from pan_keras.bench.model_table import build_and_count  # noqa: PLC0415

    try:
        build_and_count(lambda: create_model(case))
    except ValueError as error:
        raise UserError(f"model: {error}") from error


def whole(model: Any, batch: int, precision: str) -> dict[str, Callable[[], object]]:
    """Returns functions that run the forward pass, both passes, and a whole step."""
    import tensorflow as tf  # noqa: PLC0415

    from pan_keras.config import load_config  # noqa: PLC0415
    from pan_keras.training.optimisation.losses import cross_entropy  # noqa: PLC0415
    from pan_keras.training.optimisation.optimizers import create_optimizer  # noqa: PLC0415
    from pan_keras.training.optimisation.schedules import PAPER  # noqa: PLC0415
    from pan_keras.training.optimisation.training_step import TrainingStep  # noqa: PLC0415

    frames = tf.cast(255 * tf.random.uniform((batch, *model.input_shape[1:])), "uint8")
    labels = tf.range(batch, dtype="int32") % model.classes
    config = load_config("paper", sections={"training": {"precision": precision}})
    optimizer = create_optimizer(config, model, steps=1000, length=PAPER)
    step = TrainingStep(model, optimizer, cross_entropy())
    forward = tf.function(lambda frames: model(frames, training=True))
    backward = tf.function(step.differentiate)
    return {
        "step": lambda: step(iter([(frames, labels)])),
        "forward": lambda: forward(frames),
        "forward_backward": lambda: backward(frames, labels, tf.ones(())),
    }


def parts(model: Any, batch: int) -> dict[str, Callable[[], object]]:
    """Returns functions that run both passes of each part of the model, on random input.

    A network whose backbone takes whole clips has no aggregation; its `aggregation` part is the
    classifier alone.
    """
    import tensorflow as tf  # noqa: PLC0415

    from pan_keras.models import VideoNetwork, networks  # noqa: PLC0415

    if not isinstance(model, VideoNetwork):
        return {
            f"{name}/{part}": function
            for name, network in networks(model).items()
            for part, function in parts(network, batch).items()
        }
    height, width = model.size
    *_, channels = model.backbone.input_shape
    rows = (batch, model.segments) if model.layout == "clip" else (batch * model.segments,)
    width_of_features = model.backbone.output_shape[-1]
    layers = {layer.name: layer for layer in model.layers}
    pa = layers.get("persistence_of_appearance")
    classifier = layers["logits"]
    aggregation = layers.get(model.options["aggregation"])
    above = [layer for layer in (aggregation, classifier) if layer is not None]
    features = (
        (batch, model.segments, width_of_features) if aggregation else (batch, width_of_features)
    )

    def classify(maps: Any) -> Any:
        for layer in above:
            maps = layer(maps)
        return maps

    functions = {
        "backbone": differentiated(
            lambda maps: model.backbone(maps, training=True),
            model.backbone.trainable_variables,
            tf.random.normal((*rows, height, width, channels)),
            # If there is a PA module, the gradient continues into it.
            to_input=pa is not None,
        ),
        "aggregation": differentiated(
            classify,
            [weight for layer in above for weight in layer.trainable_variables],
            tf.random.normal(features),
            to_input=True,
        ),
    }
    if pa is not None:
        stacks = tf.random.normal((batch * model.segments, model.stack, height, width, 3))
        functions["pa"] = differentiated(pa, pa.trainable_variables, stacks, to_input=False)
    return functions


def differentiated(
    call: Any, variables: Any, inputs: Any, *, to_input: bool
) -> Callable[[], object]:
    """Returns a function that runs `call` and its gradient to weights and, optionally, input."""
    import tensorflow as tf  # noqa: PLC0415

    weights = [variable.value for variable in variables]

    @tf.function
    def run(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            total = tf.reduce_sum(tf.cast(call(inputs), "float32"))
        return tape.gradient(total, [*weights, *([inputs] if to_input else [])])

    return lambda: run(inputs)


def _seconds(function: Callable[[], object]) -> float:
    from pan_keras.bench.targets.keras import synchronise  # noqa: PLC0415

    start = time.perf_counter()
    synchronise(function())
    return time.perf_counter() - start


def _backend() -> str:
    import tensorflow as tf  # noqa: PLC0415

    return f"tensorflow {tf.__version__}"


def _gpu_memory() -> dict[str, float]:
    """Returns the peak memory of the first GPU in megabytes; empty without a GPU."""
    import tensorflow as tf  # noqa: PLC0415

    if not tf.config.list_logical_devices("GPU"):
        return {}
    peak = tf.config.experimental.get_memory_info("GPU:0")["peak"]
    return {"gpu_memory_mb": round(peak / 2**20, 1)}
