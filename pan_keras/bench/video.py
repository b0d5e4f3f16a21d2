"""Times the whole way from a video file to a label, with PA and with its alternatives."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from pan_keras.bench.benchmark import Benchmark, Budget
from pan_keras.bench.building import Progress
from pan_keras.bench.case import Case, Work
from pan_keras.bench.file_benchmarks import FileBenchmarks
from pan_keras.bench.results import Results, measured_results
from pan_keras.bench.session import Timing
from pan_keras.bench.targets import check_target
from pan_keras.bench.video_networks import METHODS, PA, PRECISIONS, networks_of
from pan_keras.clips.clip_shape import ClipShape
from pan_keras.clips.fields import to_bytes
from pan_keras.errors import UserError
from pan_keras.runtime.loading import load_engine
from pan_keras.runtime.preprocessing import clip_from_video
from pan_keras.video import probe

BASELINE = "pan_lite"
FLOW = "two_stream_"
RESIZED = 256 / 224  # shorter side after scaling to the side of the crop, as in the paper
FULL = Budget(120.0)
QUICK = Budget(15.0, 2, 5)
# Pairs per call on which TV-L1 is timed; its time scales linearly with the number of pairs.
TIMED_PAIRS = {"two_stream_tvl1": 2}


def measure_video(
    files: Sequence[Path | str],
    *,
    backbone: str = "mobilenetv2",
    segments: int = 8,
    stack: int = 4,
    size: int = 224,
    methods: Sequence[str] = (),
    precisions: Sequence[str] = ("float32", "int8"),
    threads: int = 2,
    quick: bool = False,
    budget: Budget | None = None,
    progress: Progress = lambda _: None,
) -> Results:
    """Times the whole way from a file to a label with exported networks in LiteRT.

    The networks have the same backbone and random weights, which do not affect speed. All get the
    frames of evaluation: the middle of each segment, scaled and cropped. A two-stream network runs
    temporal shift on the first frame of each stack and on the flow of its m - 1 pairs, computed on
    the cropped frames.

    `milliseconds` splits the time: `decode` is reading, scaling and cropping; `motion` is optical
    flow or PA; `network` is the rest. Since PA is part of the network's file, its time is that of a
    separate file with PA alone.

    Args:
        files: Videos.
        backbone: One of `pan_keras.backbones.names()`.
        segments: N.
        stack: m.
        size: Height and width in pixels.
        methods: Some of `METHODS`; by default all.
        precisions: Some of `PRECISIONS`.
        threads: Threads of flow and networks; a file is decoded by one thread.
        quick: Whether to run only few rounds.
        budget: Time for the rounds of all files and precisions; the default depends on `quick`.
        progress: Called with a line of text about the current step.

    Returns:
        A row per file, precision and method, with the ratio to PAN_Lite.

    Raises:
        UserError: If a method or precision does not exist, the backbone cannot be exported, LiteRT
            is not installed, or a file cannot be read.

    Example:
        >>> results = measure_video(["up_1.mp4"], methods=["pan_lite", "rgb_tsm"], quick=True)
        >>> results.rows[1].ratio  # RGB alone is so many times as fast
        1.9
    """
    for name in methods:
        if name not in METHODS:
            raise UserError(f"method: {name!r} is not one of {', '.join(METHODS)}")
    for name in precisions:
        if name not in PRECISIONS:
            raise UserError(f"precision: {name!r} is not one of {', '.join(PRECISIONS)}")
    check_target("litert")
    if stack < 2:
        raise UserError("stack: motion needs at least 2 frames per segment")
    seconds = {Path(file): _seconds_of(Path(file)) for file in files}
    budget = budget or (QUICK if quick else FULL)
    share = Budget(budget.seconds / len(files) / len(precisions), budget.fewest, budget.most)
    work = Work(segments, stack, size, size)
    with TemporaryDirectory(prefix="pan-keras-bench-") as folder:
        benchmarks = []
        for file, length in seconds.items():
            for precision in precisions:
                options = {
                    "file": str(file.absolute()),
                    "video_seconds": length,
                    "backbone": backbone,
                    "networks": folder,
                }
                cases = list(video_cases(work, methods, precision, threads, file.name, options))
                baseline = next((case for case in cases if case.method == BASELINE), None)
                benchmarks.append(Benchmark(cases, share, baseline=baseline, progress=progress))
        head = {"benchmark": "video", **work.to_json(), "quick": quick, "backbone": backbone}
        names = [file.name for file in seconds]
        measured = {**head, "baseline": BASELINE, "files": names}
        return measured_results(FileBenchmarks(benchmarks), measured)


def video_cases(
    work: Work,
    methods: Sequence[str],
    precision: str,
    threads: int,
    name: str,
    options: dict[str, Any],
) -> Iterator[Case]:
    """Yields the cases of a file and a precision.

    Args:
        work: N, m and size.
        methods: Some of `METHODS`; all if empty.
        precision: Precision of the networks.
        threads: Threads per call.
        name: Name of the file.
        options: `file`, `video_seconds`, `backbone`, and `networks`, the folder of their files.
    """
    for method in METHODS:
        if methods and method not in methods:
            continue
        timed = TIMED_PAIRS.get(method, 0)
        note = f"flow timed on {timed} of {work.pairs} pairs per call" if timed else ""
        yield Case(
            method,
            "litert",
            work=work,
            graph=name,
            precision=precision,
            threads=threads,
            opener="pan_keras.bench.video:open_session",
            builder="pan_keras.bench.video_networks:build",
            options=options,
            note=note,
        )


def sentences(results: Results) -> list[str]:
    """States the ratios to PAN_Lite, one sentence per alternative, file and precision.

    Args:
        results: Results of `measure_video`.

    Example:
        >>> sentences(results)
        ['up_1.mp4, float32: two_stream_tvl1 takes 71 times as long as pan_lite (69 to 73).']
    """
    found = []
    for row in results.rows:
        if row.method == BASELINE or not row.ratio or not row.ratio_low or not row.ratio_high:
            continue
        place = f"{row.graph}, {row.precision}: "
        if row.ratio > 1:
            numbers = (row.ratio, row.ratio_low, row.ratio_high)
            words = (BASELINE, row.method)
        else:
            numbers = (1 / row.ratio, 1 / row.ratio_high, 1 / row.ratio_low)
            words = (row.method, BASELINE)
        times, low, high = (f"{number:.3g}" for number in numbers)
        found.append(
            f"{place}{words[0]} takes {times} times as long as {words[1]} ({low} to {high})."
        )
    return found


class VideoSession:
    """Applies a network, and optical flow if needed, to a video file.

    Args:
        case: Its `options` have the file and the folder of the networks.
    """

    divisible = False
    device = "cpu"
    backend: str | None = None
    units = 1

    def __init__(self, case: Case):
        work = case.work
        self.method = case.method
        self.file = case.options["file"]
        stack = 1 if case.method == "rgb_tsm" else work.stack
        size = (work.height, work.width)
        self.shape = ClipShape(work.segments, stack, size, round(RESIZED * work.height))
        folder = Path(case.options["networks"])
        self.networks = {
            name: load_engine("tflite", (folder / file).read_bytes(), case.threads)
            for name, file in networks_of(case).items()
        }
        self.facts: dict[str, Any] = {"video_seconds": case.options["video_seconds"]}
        self._timed_pairs = TIMED_PAIRS.get(case.method, 0)
        self._next_pair = 0
        self._flow: Any = None
        if case.method.startswith(FLOW):
            import cv2  # noqa: PLC0415

            from pan_keras.flow import OpticalFlow  # noqa: PLC0415

            cv2.setNumThreads(case.threads)
            self._flow = OpticalFlow(case.method.removeprefix(FLOW))

    def run(self, _units: int) -> Timing:
        """Reads the file, computes motion and classifies."""
        start = time.perf_counter()
        clip = clip_from_video(self.file, self.shape)
        decoded = time.perf_counter()
        fields, motion = self._fields(clip) if self._flow else (None, 0.0)
        ready = time.perf_counter()
        self.label(clip, fields)
        network = time.perf_counter() - ready
        total = decoded - start + motion + network
        if PA in self.networks:
            began = time.perf_counter()
            self.networks[PA]({"frames": clip.reshape(-1, *clip.shape[2:])})
            motion = time.perf_counter() - began
            network = max(0.0, network - motion)
        parts = {"decode": decoded - start, "motion": motion, "network": network}
        return Timing((total,), parts)

    def answer(self) -> None:
        """Returns nothing, since random weights have no expected answer."""

    def label(self, clip: np.ndarray, fields: np.ndarray | None) -> int:
        """Classifies a clip uint8 `(N, m, H, W, 3)` with its flow `(N, H, W, 2 (m - 1))`."""
        logits = []
        if fields is not None:
            logits.append(self.networks["flow"]({"frames": fields})["logits"])
            clip = clip[:, :1]
        frames = clip.reshape(-1, *clip.shape[2:])
        logits.append(self.networks["frames"]({"frames": frames})["logits"])
        return int(np.mean(logits, axis=0).argmax())

    def _fields(self, clip: np.ndarray) -> tuple[np.ndarray, float]:
        """Returns flow as bytes, and the seconds it takes for all pairs."""
        segments, stack, height, width, _ = clip.shape
        pairs = segments * (stack - 1)
        timed = self._timed_pairs or pairs
        fields = np.full((segments, stack - 1, height, width, 2), 128, np.uint8)
        start = time.perf_counter()
        for _ in range(timed):
            segment, place = divmod(self._next_pair, stack - 1)
            flow = self._flow(clip[segment, place], clip[segment, place + 1])
            fields[segment, place] = to_bytes(flow)
            self._next_pair = (self._next_pair + 1) % pairs
        fields = np.moveaxis(fields, 1, 3).reshape(segments, height, width, -1)
        return fields, (time.perf_counter() - start) * pairs / timed


def open_session(case: Case) -> VideoSession:
    """Opens a session on the networks of the case."""
    return VideoSession(case)


def _seconds_of(file: Path) -> float | None:
    info = probe(file)
    return round(info.frames / info.rate, 2) if info.rate else None
