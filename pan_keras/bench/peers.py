"""Compares streams of pan-keras with alternatives: MoViNet and temporal shift."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pan_keras.bench import movinet_export
from pan_keras.bench.benchmark import Benchmark, Budget
from pan_keras.bench.building import Progress
from pan_keras.bench.case import Case, Work
from pan_keras.bench.movinet_environment import (
    PACKAGE,
    exported,
    how_to_install,
    install_package,
)
from pan_keras.bench.results import Results, measured_results
from pan_keras.bench.row import Row
from pan_keras.bench.session import Timing
from pan_keras.bench.targets import check_target
from pan_keras.clips.clip_shape import ClipShape
from pan_keras.errors import UserError

MOVINETS = ("a0", "a1", "a2")
BASELINE = "movinet_a0"
ANSWERS = 5.0  # per second, at which all are compared: MoViNet's frame rate
STEPS = 2.0  # per second of our streams: 8 segments over 4 seconds
SEGMENTS = 8
# By name: arguments of `models.create` besides the number of segments.
OURS: dict[str, dict[str, Any]] = {
    "pan_lite_mobilenetv2": {"stack": 4, "size": (224, 224)},
    "tsm_mobilenetv2": {"stack": 1, "size": (224, 224)},
    "pan_lite_micro": {"stack": 3, "size": (72, 96)},
}
FULL = Budget(120.0, most=100)
QUICK = Budget(10.0, 2, 5)


def measure_peers(
    environment: Path | str | None = None,
    *,
    install: bool = False,
    methods: Sequence[str] = (),
    quick: bool = False,
    budget: Budget | None = None,
    progress: Progress = lambda _: None,
) -> Results:
    """Measures processor time per answer, on one thread in LiteRT, with random weights.

    A step of a stream takes one segment, for MoViNet one frame; its states are passed in and out. A
    `clip` processes all segments at once. Our frames are uint8 and normalised inside the model;
    MoViNet gets normalised floats, a slight advantage. Decoding is not timed.

    The eight-bit rows are `int8` for our networks and `dynamic`, its fastest form, for MoViNet.

    Args:
        environment: A virtual environment with tf-models-official. MoViNet is exported from it
            once, in minutes, into a subfolder. Without it, its rows explain how to create one.
        install: Whether to create the environment and install tf-models-official, which takes 3 GB.
        methods: Names of `OURS` and `movinet_a0` to `movinet_a2`; by default all.
        quick: Whether to run only few rounds.
        budget: Time for the rounds; the default depends on `quick`.
        progress: Called with a line of text about the current step.

    Returns:
        A row per network, form and precision. `p50_ms` is processor time; `facts` has the network's
        own rate, `answers_per_second`, and the processor milliseconds per second of video: at that
        rate, `ms_per_second`, and at five answers per second, `ms_per_second_at_5`.

    Raises:
        UserError: If a method does not exist, or the environment lacks tf-models-official.

    Example:
        >>> results = measure_peers(methods=["pan_lite_micro"], quick=True)
        >>> results.rows[0].facts["ms_per_second_at_5"]
        5.2
    """
    known = (*OURS, *(f"movinet_{name}" for name in MOVINETS))
    for name in methods:
        if name not in known:
            raise UserError(f"method: {name!r} is not one of {', '.join(known)}")
    check_target("litert")
    chosen = [name for name in MOVINETS if not methods or f"movinet_{name}" in methods]
    folder, missing = None, ""
    if chosen and environment is None:
        missing = f"no --environment with {PACKAGE}; {how_to_install('DIR')}"
    elif chosen and environment is not None:
        if install:
            install_package(Path(environment), progress)
        folder = exported(Path(environment), chosen, progress)
    cases = [case for case in our_cases() if not methods or case.method in methods]
    cases += movinet_cases(chosen, folder, missing)
    baseline = next((case for case in cases if case.method == BASELINE and not case.error), None)
    benchmark = Benchmark(
        cases,
        budget or (QUICK if quick else FULL),
        baseline=baseline,
        facts="pan_keras.bench.peers:counts",
        progress=progress,
    )
    # The frames differ from network to network.
    head = {"benchmark": "peers", **Work(1, 1).to_json(), "frames": 0, "quick": quick}
    results = measured_results(benchmark, {**head, "baseline": baseline and BASELINE})
    return replace(results, rows=tuple(per_second(row) for row in results.rows))


def our_cases() -> Iterator[Case]:
    """Yields the cases of steps and clips of the networks in `OURS`."""
    for name, options in OURS.items():
        height, width = options["size"]
        clip = Work(SEGMENTS, options["stack"], height, width)
        create = {**options, "segments": SEGMENTS, "causal": True}
        shape = ClipShape(SEGMENTS, options["stack"], options["size"], resize=min(options["size"]))
        for graph, work in (("step", replace(clip, segments=1)), ("fast", clip)):
            for precision in ("float32", "int8"):
                rate = STEPS if graph == "step" else STEPS / SEGMENTS
                yield Case(
                    name,
                    "litert",
                    work,
                    graph=graph,
                    precision=precision,
                    threads=1,
                    source="pan_keras.bench.peers:graph_of",
                    opener="pan_keras.bench.peers:open_session",
                    builder="pan_keras.bench.targets.litert:build",
                    options={"model": name, "create": create, "shape": shape, "rate": rate},
                )


def movinet_cases(names: Sequence[str], folder: Path | None, missing: str = "") -> Iterator[Case]:
    """Yields the cases of MoViNet streaming steps.

    Args:
        names: Some of `MOVINETS`.
        folder: Folder of their files; None if there are none.
        missing: Why there are no files.
    """
    for name in names:
        size = movinet_export.SIZES[name]
        for precision in movinet_export.PRECISIONS:
            method = f"movinet_{name}"
            facts = movinet_export.facts(folder, method) if folder else {}
            yield Case(
                method,
                "litert",
                Work(1, 1, size, size),
                graph="step",
                precision=precision,
                threads=1,
                opener="pan_keras.bench.peers:open_session",
                options={
                    "file": str(folder / f"{method}-{precision}.tflite") if folder else "",
                    "rate": ANSWERS,
                },
                known={key: facts[key] for key in ("macs", "parameters") if key in facts},
                error=missing,
            )


def graph_of(case: Case) -> Any:
    """Returns the exported graph of one of `OURS`, its classifier scaled for int8."""
    from pan_keras import models  # noqa: PLC0415
    from pan_keras.bench.video_networks import spread_logits  # noqa: PLC0415
    from pan_keras.deploy.graph.network import deployment_graph  # noqa: PLC0415

    model = models.create(case.options["model"], classes=27, **case.options["create"])
    spread_logits(model)
    return deployment_graph(
        model, streaming=case.graph == "step", eight_bits=case.precision == "int8"
    )


def counts(case: Case) -> dict[str, Any]:
    """Returns the multiply-accumulates per answer and the parameters of one of `OURS`."""
    from pan_keras.bench.model_graphs import describe  # noqa: PLC0415

    known = describe(case.options["model"], case.options["create"], streaming=False)
    share = SEGMENTS if case.graph == "step" else 1
    return {"macs": known["macs"] // share, "parameters": known["parameters"]}


class PeerSession:
    """Calls a TFLite file, passing in every input and reading every output.

    Args:
        case: Its file may have any inputs: frames and images are noise, states zeros.
    """

    divisible = False
    device = "cpu"
    backend: str | None = None
    units = 1

    def __init__(self, case: Case):
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415

        file = Path(case.options.get("file") or Path(case.options["folder"]) / "model.tflite")
        self._interpreter = Interpreter(model_path=str(file), num_threads=case.threads)
        self._interpreter.allocate_tensors()
        generator = np.random.default_rng(0)
        self._inputs = []
        for detail in self._interpreter.get_input_details():
            value = np.zeros(detail["shape"], detail["dtype"])
            if any(word in detail["name"] for word in ("frames", "image")):
                noise = generator.integers(0, 256, detail["shape"])
                value = (noise if value.dtype == np.uint8 else noise / 255).astype(value.dtype)
            self._inputs.append((detail["index"], value))
        self._outputs = [each["index"] for each in self._interpreter.get_output_details()]
        self.facts = {"bytes": file.stat().st_size, "answers_per_second": case.options["rate"]}

    def run(self, _units: int) -> Timing:
        """Makes one call and returns its processor time."""
        start = time.process_time()
        for index, value in self._inputs:
            self._interpreter.set_tensor(index, value)
        self._interpreter.invoke()
        for index in self._outputs:
            self._interpreter.get_tensor(index)
        return Timing((time.process_time() - start,))

    def answer(self) -> None:
        """Returns nothing, since noise has no expected answer."""


def open_session(case: Case) -> PeerSession:
    """Opens a session on the file of the case."""
    return PeerSession(case)


def per_second(row: Row) -> Row:
    """Adds the processor milliseconds per second of video to a row.

    Args:
        row: The row; without a time it is returned unchanged.
    """
    if row.p50_ms is None or "answers_per_second" not in row.facts:
        return row
    costs = {
        "ms_per_second": round(row.p50_ms * row.facts["answers_per_second"], 2),
        "ms_per_second_at_5": round(row.p50_ms * ANSWERS, 2),
    }
    return replace(row, facts={**row.facts, **costs})


def to_text(results: Results) -> str:
    """Formats the comparison with MoViNet and the costs per second of video.

    Args:
        results: Results of `measure_peers`.
    """
    rows = [row for row in results.rows if "ms_per_second" in row.facts]
    lines = compared(rows)
    if rows:
        lines.append(
            f"{'CPU time in ms':44}{'per answer':>11}{'per second, own rate':>22}"
            f"{'at 5 answers per second':>25}"
        )
    for row in sorted(rows, key=lambda row: row.facts["ms_per_second_at_5"]):
        name = f"{row.method} {'clip' if row.graph == 'fast' else row.graph} {row.precision}"
        rate = f"{row.facts['ms_per_second']:.1f} ({row.facts['answers_per_second']:g}/s)"
        lines.append(
            f"{name:44}{row.p50_ms:11.2f}{rate:>22}{row.facts['ms_per_second_at_5']:25.1f}"
        )
    return "\n".join([*lines, results.to_text()])


def compared(rows: Sequence[Row]) -> list[str]:
    """Compares each of our steps with each MoViNet, one sentence per pair, least favourable first.

    Float is compared with float, and eight bits with eight bits.

    Args:
        rows: Rows with costs per second.
    """
    found = []
    for own in rows:
        if own.method not in OURS or own.graph != "step":
            continue
        for peer in rows:
            is_float = (own.precision == "float32", peer.precision == "float32")
            if not peer.method.startswith("movinet") or is_float[0] != is_float[1]:
                continue
            answer = own.facts["ms_per_second_at_5"] / peer.facts["ms_per_second_at_5"]
            rate = own.facts["ms_per_second"] / peer.facts["ms_per_second"]
            words = (
                f"{own.method} {own.precision} costs {answer:.2f} times as much as "
                f"{peer.method} {peer.precision} per answer, {rate:.2f} times per second of video "
                "at the rate of each."
            )
            found.append((answer, words))
    return [words for _, words in sorted(found, reverse=True)]
