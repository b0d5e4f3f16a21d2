"""A row of results, and the measurements that it summarises."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from pan_keras.bench.case import Case
from pan_keras.bench.ratio import ratio_of

OUTLIER = 3.0  # times the median, above which a call is counted as an outlier


@dataclass(frozen=True)
class Row:
    """The results of a case; a value that does not apply or is unknown is None.

    Attributes:
        method: Name of the method or model.
        depth: Number of convolution layers of PA.
        graph: `plain` (the layers as trained) or `fast` (as exported); empty if there is only one
            form.
        precision: Precision of the arithmetic; of the weights if the runtime chooses the former.
        target: The target that it ran on.
        backend: Keras backend with its version.
        device: `cpu` or the name of an accelerator.
        threads: Threads per call.
        batch: Clips per call.
        macs: Multiply-accumulates of the work, as the paper counts its FLOPs.
        parameters: Number of parameters.
        clips_per_second: Clips, B per call, at the median.
        pairs_per_second: Pairs of adjacent frames, at the median.
        frames_per_second: Input frames, N * m per clip, at the median.
        p5_ms: 5th percentile of the time of the whole work.
        p50_ms: Median.
        p95_ms: 95th percentile.
        max_ms: Slowest call.
        processor_ms: Median processor time over all processors, including busy waiting. Other
            programs hardly affect it, but it is not a latency.
        outliers: Calls that took over three times the median; all other figures include them.
        samples: Calls measured.
        rounds: Rounds in which they were measured.
        sampled: Fraction of the work done per call; the times are scaled to all of it.
        milliseconds: Median times of the parts of a call.
        ratio: How many times as long the baseline takes.
        ratio_low: Lower end of the 95 % interval of the ratio.
        ratio_high: Upper end of the 95 % interval of the ratio.
        memory_mb: Peak memory of the case's process, runtime included.
        difference: Largest difference of the answer from that of the reference layer.
        snr_db: Signal-to-noise ratio of the answer, relative to that of the reference layer.
        facts: Further facts from the target.
        note: A remark for readers.
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
        """Returns the row as a JSON object."""
        return asdict(self)


@dataclass
class Measured:
    """The measurements of a case, collected while it runs.

    Attributes:
        case: The case.
        seconds: Seconds of each call, scaled to the whole work, by round.
        parts: Seconds of the parts of each call.
        processor: Processor seconds of each call.
        known: Fields of the row that are not measured in the rounds.
        error: Why the case was given up.
    """

    case: Case
    seconds: dict[int, list[float]] = field(default_factory=dict)
    parts: list[Mapping[str, float]] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    known: dict[str, Any] = field(default_factory=dict)
    error: str | None = None

    def medians(self) -> dict[int, float]:
        """Returns the median of each round."""
        return {index: statistics.median(each) for index, each in self.seconds.items()}

    def to_row(self, baseline: "Measured | None" = None) -> Row:
        """Summarises the measurements as a row.

        Args:
            baseline: The case that its times are compared with.
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
        # A case with a wrong answer has no time; one that failed later keeps its finished rounds.
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
    """Returns an answer's largest difference and its signal-to-noise ratio in dB.

    The difference is infinite if the shapes differ or the error is not finite.

    Args:
        answer: The answer of a case.
        reference: The expected answer.
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
    """Returns the rows with a time, fastest first, then those without."""
    return sorted(rows, key=lambda row: (row.p50_ms is None, row.p50_ms or 0))


def _digits(value: float) -> float:
    return float(f"{value:.5g}")
