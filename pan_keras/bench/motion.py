"""Measures the paper's Tables I and II: PA and the motion cues it replaces."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pan_keras.bench.benchmark import QUICK, Benchmark, Budget
from pan_keras.bench.building import Progress
from pan_keras.bench.case import Case, Work
from pan_keras.bench.results import Results, measured_results
from pan_keras.bench.targets import check_target, missing_runtime, target_names
from pan_keras.errors import UserError

BASELINE = "tvl1"
# There are about seventy cases, and building and opening them takes most of the time.
FULL = Budget(120.0)
OPENCV = ("tvl1", "farneback", "dis_ultrafast", "dis_fast", "dis_medium", "difference")
NETWORKS = ("flownet_s", "flownet_c", "flownet2", "raft_small")
METHODS = ("pa", "pa_e2", "difference", "vectors", *OPENCV[:-1], *NETWORKS)
DEPTHS = (0, 1, 2, 4, 8)
GRAPHS = "pan_keras.bench.motion_graphs"
ONE_FORM = "the fast graph is for depth 1 and encoding e1 only"
FLOAT_GRAPH = "the fast graph computes in float32 on Keras"


def measure_motion(
    work: Work | None = None,
    *,
    threads: int = 2,
    methods: Sequence[str] = (),
    targets: Sequence[str] = (),
    quick: bool = False,
    budget: Budget | None = None,
    progress: Progress = lambda _: None,
) -> Results:
    """Measures motion cues on the same frames, each in its own process.

    Args:
        work: The frames of a call; those of the paper by default.
        threads: Threads per call.
        methods: Some of `METHODS`; by default all.
        targets: Targets; by default all on which a method runs.
        quick: Whether to finish in about two minutes, with fewer forms of PA and fewer rounds.
        budget: Time for the rounds; the default depends on `quick`.
        progress: Called with a line of text about the current step.

    Returns:
        A row per case, with the ratio to TV-L1 if that is measured too.

    Raises:
        UserError: If a method or target does not exist, a requested target is not installed, or no
            method runs on the targets.

    Example:
        >>> results = measure_motion(Work(2, 2, 64, 64), methods=["difference"], quick=True)
        >>> results.rows[0].method
        'difference'
    """
    for name in methods:
        if name not in METHODS:
            raise UserError(f"method: {name!r} is not one of {', '.join(METHODS)}")
    for name in targets:
        check_target(name)
    work = work or Work()
    cases = [
        case
        for case in motion_cases(work, threads, quick=quick)
        if (not methods or case.method in methods) and (not targets or case.target in targets)
    ]
    if not cases:
        raise UserError(
            f"target: {', '.join(methods) or 'motion'} does not run on {', '.join(targets)}; "
            "leave out --method or --target"
        )
    missing = {name: missing_runtime(name) for name in target_names()}
    cases = [replace(case, error=case.error or missing[case.target] or "") for case in cases]
    benchmark = Benchmark(
        cases,
        budget or (QUICK if quick else FULL),
        baseline=next((case for case in cases if case.method == BASELINE), None),
        references={case.reference: f"{GRAPHS}:reference" for case in cases if case.reference},
        facts=f"{GRAPHS}:counts",
        progress=progress,
    )
    return measured_results(
        benchmark, {"benchmark": "motion", **work.to_json(), "baseline": BASELINE, "quick": quick}
    )


def motion_cases(work: Work, threads: int = 2, *, quick: bool = False) -> list[Case]:
    """Returns the cases of the table.

    Args:
        work: The frames of a call.
        threads: Threads per call.
        quick: Whether to leave out forms of PA that differ little from others.
    """
    pa = list(_quick_pa() if quick else _pa())
    others = [
        *(Case(method, "opencv") for method in OPENCV),
        Case("vectors", "pyav", note="cost over plain decoding, H.264"),
        *_networks(quick),
    ]
    return [replace(case, work=work, threads=threads) for case in (*pa, *others)]


def _networks(quick: bool) -> Iterator[Case]:
    for method in NETWORKS:
        forms = [("keras", "float32"), ("litert", "float32")]
        if method == "flownet_s":
            forms.append(("litert", "int8"))
        for target, precision in forms[:1] if quick else forms:
            yield Case(
                method,
                target,
                precision=precision,
                source=f"{GRAPHS}:graph_of",
                reference=method,
                tolerance=None,
                options={"pairwise": True},
                note="random weights",
            )


def _pa() -> Iterator[Case]:
    for depth in (1, 0, 2, 4, 8):
        yield from _forms("pa", depth)
    yield from _forms("pa_e2", 1)


def _quick_pa() -> Iterator[Case]:
    for case in _pa():
        shallow = case.options["depth"] == 1 and case.precision != "float16"
        main = case.method == "pa" and case.target != "onnxruntime"
        if not case.error and shallow and (main or case.target == "litert"):
            yield case


def _forms(method: str, depth: int) -> Iterator[Case]:
    """Yields the forms of PA on the targets that support it."""
    deployable = (method, depth) == ("pa", 1)
    for target, precisions in (
        ("litert", ("float32", "float16", "int8")),
        ("onnxruntime", ("float32", "int8")),
        ("keras", ("float32", "float16")),
    ):
        for graph in ("plain", "fast"):
            for precision in precisions:
                # float16 is slow in Keras on CPUs; measuring it in one form shows that.
                if not deployable and (target, precision) == ("keras", "float16"):
                    continue
                error = ONE_FORM if graph == "fast" and not deployable else ""
                if target == "keras" and graph == "fast" and precision != "float32":
                    error = error or FLOAT_GRAPH
                yield Case(
                    method,
                    target,
                    graph=graph,
                    precision=precision,
                    source=f"{GRAPHS}:graph_of",
                    reference=f"{method} of depth {depth}",
                    options={"depth": depth},
                    error=error,
                )
