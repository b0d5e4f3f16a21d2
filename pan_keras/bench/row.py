"""One measured row of a benchmark."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from pan_keras.bench.case import Case
from pan_keras.bench.ratio import ratio_of

OUTLIER = 3.0  # medians; calls that took longer are counted


@dataclass(frozen=True)
class Row:
    """What was measured of a case; None where there is nothing to say.

    Attributes:
        method: Name of the method or model.
        depth: Convolution layers of PA.
        graph: `plain` (the layers as trained) or `fast` (as exported); empty where there is one
            form only.
        precision: Of the arithmetic, or of the weights where the runtime chooses.
        target: What it ran in.
        backend: Of Keras, with its version.
        device: `cpu` or the name of an accelerator.
        threads: Threads of a call.
        batch: Clips of a call.
        macs: Multiply-accumulates of the work, as the paper counts its FLOPs.
        parameters: Weights.
        clips_per_second: Clips, B of a call, at the median.
        pairs_per_second: Pairs of adjacent frames, at the median.
        frames_per_second: Frames that go in, N * m of a clip, at the median.
        p5_ms: Of the whole work: a twentieth of the calls was faster.
        p50_ms: The median.
        p95_ms: A twentieth of the calls was slower.
        max_ms: The slowest call.
        processor_ms: Median time of all processors together; threads that wait actively are in it.
            Other programs hardly change it, but it is no latency.
        outliers: Calls that took more than three times the median; they are in all other figures.
        samples: Calls measured.
        rounds: Rounds in which they were measured.
        sampled: Share of the work that a call did, 1 for all of it; the times above are for all.
        milliseconds: Medians of parts of a call.
        ratio: How many times as long the baseline takes.
        ratio_low: End of the 95 % interval of the ratio.
        ratio_high: Its other end.
        memory_mb: Most memory that the process of the case held, runtime included.
        difference: Largest difference of the answer from the reference layer's.
        snr_db: Signal-to-noise ratio of the answer against the reference layer's.
        facts: What else the target says.
        note: What a reader should know.
        error: Why there is no time.
    """

    method: str
    depth: int | None
    graph: str
    precision: str
    target: str
    threads: int
    batch: int = 1
    backend: str | None = None
    device: str | None = None
    macs: int | None = None
    parameters: int | None = None
    clips_per_second: float | None = None
    pairs_per_second: float | None = None
    frames_per_second: float | None = None
    p5_ms: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    max_ms: float | None = None
    processor_ms: float | None = None
    outliers: int | None = None
    samples: int = 0
    rounds: int = 0
    sampled: float | None = None
    milliseconds: Mapping[str, float] = field(default_factory=dict)
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    memory_mb: float | None = None
    difference: float | None = None
    snr_db: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The row for programs."""
        return asdict(self)


@dataclass
class Measured:
    """What is known of a case while it is measured.

    Attributes:
        case: The case.
        seconds: Seconds of each call of the whole work, by round.
        parts: Seconds of parts, of each call.
        processor: Seconds of processors, of each call.
        known: Fields of the row that are known by other means.
        error: Why it was given up.
    """

    case: Case
    seconds: dict[int, list[float]] = field(default_factory=dict)
    parts: list[Mapping[str, float]] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    known: dict[str, Any] = field(default_factory=dict)
    error: str | None = None

    def medians(self) -> dict[int, float]:
        """The median of each round."""
        return {index: statistics.median(each) for index, each in self.seconds.items()}

    def to_row(self, baseline: "Measured | None" = None) -> Row:
        """The row of the table.

        Args:
            baseline: What its times are compared with.
        """
        case = self.case
        row: dict[str, Any] = {
            "method": case.method,
            "depth": case.options.get("depth"),
            "graph": case.graph,
            "precision": case.precision,
            "target": case.target,
            "threads": case.threads,
            "batch": case.work.batch,
            "note": case.note,
            "error": self.error or case.error or None,
            **self.known,
        }
        seconds = [value for each in self.seconds.values() for value in each]
        # A case that is wrong has no time; one that broke later keeps the rounds that it did.
        if not seconds:
            return Row(**row)
        median = statistics.median(seconds)
        low, high = np.quantile(seconds, (0.05, 0.95))
        row |= {
            "clips_per_second": _digits(case.work.batch / median),
            "pairs_per_second": _digits(case.work.pairs / median),
            "frames_per_second": _digits(case.work.frames / median),
            "p5_ms": _digits(1000 * low),
            "p50_ms": _digits(1000 * median),
            "p95_ms": _digits(1000 * high),
            "max_ms": _digits(1000 * max(seconds)),
            "outliers": sum(value > OUTLIER * median for value in seconds),
            "samples": len(seconds),
            "rounds": len(self.seconds),
            "milliseconds": self._parts(),
        }
        if self.processor:
            row["processor_ms"] = _digits(1000 * statistics.median(self.processor))
        if baseline is not None and (found := ratio_of(self.medians(), baseline.medians())):
            row |= dict(zip(("ratio", "ratio_low", "ratio_high"), found, strict=True))
        return Row(**row)

    def _parts(self) -> dict[str, float]:
        names = list(dict.fromkeys(name for each in self.parts for name in each))
        return {
            name: _digits(
                1000 * statistics.median(each[name] for each in self.parts if name in each)
            )
            for name in names
        }


def compare(answer: np.ndarray, reference: np.ndarray) -> tuple[float, float]:
    """Largest difference and signal-to-noise ratio in dB of an answer; infinite if it is no number.

    Args:
        answer: What a case gives.
        reference: What it should be, of the same shape.
    """
    if answer.shape != reference.shape:
        return float("inf"), float("-inf")
    error = answer.astype("float64") - reference.astype("float64")
    if not np.isfinite(error).all():
        return float("inf"), float("-inf")
    noise = float(np.mean(error**2))
    signal = float(np.mean(reference.astype("float64") ** 2))
    ratio = 10 * np.log10(max(signal, 1e-300) / max(noise, 1e-300))
    return float(np.abs(error).max()), float(ratio)


def fastest_first(rows: Sequence[Row]) -> list[Row]:
    """Rows with a time, fastest first, then those without."""
    return sorted(rows, key=lambda row: (row.p50_ms is None, row.p50_ms or 0))


def _digits(value: float) -> float:
    return float(f"{value:.5g}")
