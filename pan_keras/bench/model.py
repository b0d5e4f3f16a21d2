"""Measures whole models, as trained and as exported, in each runtime and precision."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pan_keras.bench.benchmark import Benchmark, Budget
from pan_keras.bench.building import Progress
from pan_keras.bench.case import Case, Work
from pan_keras.bench.process import CaseError, CaseProcess, keras_backend
from pan_keras.bench.results import Results, measured_results
from pan_keras.bench.targets import check_target, missing_runtime
from pan_keras.bundle import is_bundle
from pan_keras.clips.clip_shape import ClipShape
from pan_keras.errors import UserError
from pan_keras.runtime import open_verified

FULL = Budget(60.0)
QUICK = Budget(5.0, 2, 5)
GRAPHS = "pan_keras.bench.model_graphs"
# By target: precisions that are always measured, and those added unless `quick`.
PRECISIONS = {
    "keras": (("float32",), ()),
    "litert": (("float32", "int8"), ("float16", "dynamic")),
    "onnxruntime": (("float32", "int8"), ()),
}
KNOWN = ("float32", "float16", "bfloat16", "dynamic", "int8")
RUNTIMES = {"tflite": "litert", "onnx": "onnxruntime"}
DESCRIBING = 180.0  # seconds


def measure_model(
    name: str,
    *,
    segments: int = 8,
    stack: int = 4,
    size: int | tuple[int, int] = 224,
    batch: int = 1,
    streaming: bool = False,
    parts: bool = False,
    targets: Sequence[str] = (),
    precisions: Sequence[str] = (),
    threads: int = 2,
    quick: bool = False,
    progress: Progress = lambda _: None,
) -> Results:
    """Measures a model in every form, runtime and precision, each in its own process.

    Times are those of a call of the model; `milliseconds` has preprocessing from 640x480 frames and
    reading back. The files of a bundle are measured unchanged, after its test vectors have been
    checked.

    Args:
        name: A registry name, a run folder, a `.keras` file or a bundle.
        segments: N, for a model by registry name; so are the next two.
        stack: m.
        size: Height and width in pixels, or one number for both.
        batch: Clips per call.
        streaming: Whether to measure a streaming step too, which needs a causal shift; a model by
            registry name gets one.
        parts: Whether to split the time of the exported TFLite models among their parts.
        targets: Targets; by default Keras, LiteRT and ONNX Runtime, if installed.
        precisions: Some of `float32`, `float16`, `bfloat16` (Keras only), `dynamic`, `int8`; by
            default all that each target supports, on Keras float32 only.
        threads: Threads per call.
        quick: Whether to run fewer rounds and only the most common precisions.
        progress: Called with a line of text about the current step.

    Returns:
        A row per case. The ratio is to the model as trained, in float32, on the first target.

    Raises:
        UserError: If there is no such model, target or precision, the model cannot stream, a
            bundle fails its verification, or a requested runtime is missing.

    Example:
        >>> results = measure_model("pan_lite_micro", size=64, targets=["litert"], quick=True)
        >>> [(row.graph, row.precision) for row in results.rows]
        [('plain', 'float32'), ('fast', 'float32'), ('fast', 'int8')]
    """
    for target in targets:
        check_target(target)
    for precision in precisions:
        if precision not in KNOWN:
            raise UserError(f"precision: {precision!r} is not one of {', '.join(KNOWN)}")
    if is_bundle(name):
        cases = list(_bundle_cases(Path(name), batch, streaming))
    else:
        chosen = {"segments": segments, "stack": stack, "size": size}
        cases = list(_graph_cases(name, chosen, batch, streaming, precisions, quick))
    cases = [
        replace(case, threads=threads, options={**case.options, "parts": parts})
        for case in cases
        if (not targets or case.target in targets)
        and (not precisions or case.precision in precisions)
    ]
    if not cases:
        raise UserError(
            f"{name}: cannot be measured with {', '.join((*targets, *precisions))}; "
            "leave out --target or --precision"
        )
    missing = {target: missing_runtime(target) for target in {case.target for case in cases}}
    cases = [replace(case, error=case.error or missing[case.target] or "") for case in cases]
    plain = [case for case in cases if case.graph == "plain"]
    baseline = next((case for case in plain if case.target == "litert"), (plain or cases)[0])
    benchmark = Benchmark(
        cases,
        QUICK if quick else FULL,
        baseline=baseline,
        references={"model": f"{GRAPHS}:reference"},
        progress=progress,
    )
    clip = next((case.work for case in cases if case.graph != "step"), cases[0].work)
    return measured_results(
        benchmark,
        {
            "benchmark": f"model {name}",
            **clip.to_json(),
            "baseline": baseline.graph or baseline.precision,
            "quick": quick,
        },
    )


def _graph_cases(
    name: str,
    chosen: dict[str, Any],
    batch: int,
    streaming: bool,
    precisions: Sequence[str],
    quick: bool,
) -> Iterator[Case]:
    """Yields the cases of every form of a Keras model."""
    create = {**chosen, "causal": True} if streaming else chosen
    with CaseProcess(environment={"KERAS_BACKEND": keras_backend()}) as process:
        try:
            known = process.request(
                "call", f"{GRAPHS}:describe", name, create, streaming, timeout=DESCRIBING
            )
        except CaseError as error:
            raise UserError(f"{name}: {error}") from None
    shape = known.pop("shape")
    clip = Case(
        name,
        "keras",
        _work(shape, batch),
        graph="plain",
        source=f"{GRAPHS}:graph_of",
        reference="model",
        options={"model": name, "create": create, "shape": shape},
        known={**known, "macs": batch * known["macs"]},
    )
    segment = replace(clip.work, segments=1, batch=1)
    for target, (common, others) in PRECISIONS.items():
        for precision in precisions or (common if quick else (*common, *others)):
            each = replace(clip, target=target, precision=precision)
            if target == "keras":
                yield each
                continue
            if target == "litert" and precision == "float32":
                yield each
            yield replace(each, graph="fast")
            if streaming and precision in common:
                step = {**known, "macs": known["macs"] // shape.segments}
                yield replace(each, graph="step", work=segment, reference="", known=step)


def _work(shape: ClipShape, batch: int) -> Work:
    height, width = shape.size
    return Work(shape.segments, shape.stack, height, width, batch)


def _bundle_cases(path: Path, batch: int, streaming: bool) -> Iterator[Case]:
    """Yields the cases of the files of a bundle, after checking its test vectors."""
    bundle = open_verified(path)
    shape = bundle.shape
    clip = _work(shape, batch)
    for entry in bundle.entries:
        if entry.streaming and not streaming:
            continue
        rows = entry.inputs["frames"].shape[0]
        fixed = not entry.streaming and rows not in (-1, clip.frames)
        yield Case(
            str(path),
            RUNTIMES[entry.format],
            replace(clip, segments=1, batch=1) if entry.streaming else clip,
            graph="step" if entry.streaming else "fast",
            precision=entry.precision,
            options={"file": str(path / entry.file), "shape": shape},
            error=f"{entry.file} takes one clip per call; leave out --batch" if fixed else "",
        )
