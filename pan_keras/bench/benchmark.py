"""Measures cases side by side, in interleaved rounds."""

import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pan_keras.bench.building import Builder, Progress
from pan_keras.bench.case import Case
from pan_keras.bench.machine import memory_available_mb
from pan_keras.bench.process import CaseError, CaseProcess, keras_backend
from pan_keras.bench.row import Measured, Row, compare

# Lowest accepted signal-to-noise ratio in dB against the reference: separates rounding errors of
# low precision, and of small values, from wrong results.
LEAST_SNR = {
    "float32": 60.0,
    "float16": 40.0,
    "bfloat16": 25.0,
    "uint8": 25.0,
    "lossy": 12.0,
    "dynamic": 15.0,
    "int8": 10.0,
}
RESERVE_MB = 2500.0  # left free for other programs; further cases wait for the next group
OPENING = 180.0  # time limit in seconds for opening a session, answering and warming up
ROUND = 60.0  # time limit in seconds for a round, unless PATIENCE allows more
PATIENCE = 20.0  # times the duration of the warm-up call


@dataclass(frozen=True)
class Budget:
    """How long a benchmark may take.

    Attributes:
        seconds: Time for the rounds of all cases together, without setup.
        fewest: Minimum number of rounds, run even if they take longer.
        most: Maximum number of rounds.
    """

    seconds: float
    fewest: int = 3
    most: int = 30


FULL = Budget(240.0)
QUICK = Budget(25.0, 2, 10)


class Benchmark:
    """Opens each case in its own process and measures all cases in turns.

    A separate process first makes the files and references. If memory cannot hold the processes of
    all cases at once, they are measured in groups; every group includes the baseline.

    Args:
        cases: Cases to measure.
        budget: Time limits.
        baseline: The case that the others are compared with; None for no comparison.
        references: `module:function` by key of a reference; it takes a case and returns the array.
        facts: `module:function` that takes a case and returns fields of its row, such as `macs`;
            empty for none.
        progress: Called with a line of text about the current step.

    Attributes:
        interrupted: Whether `KeyboardInterrupt` ended it; the rows hold the rounds measured before.

    Example:
        >>> row, = Benchmark([Case("difference", "opencv")], QUICK).run()
        >>> row.samples > 1, row.error
        (True, None)
    """

    def __init__(
        self,
        cases: Sequence[Case],
        budget: Budget = FULL,
        *,
        baseline: Case | None = None,
        references: Mapping[str, str] | None = None,
        facts: str = "",
        progress: Progress = lambda _: None,
    ):
        self.measured = [
            Measured(case, known=dict(case.known), error=case.error or None) for case in cases
        ]
        self.budget = budget
        self.baseline = next((each for each in self.measured if each.case is baseline), None)
        self.references = dict(references or {})
        self.facts = facts
        self.progress = progress
        self.interrupted = False
        self._arrays: dict[str, np.ndarray] = {}
        self._processes: dict[int, CaseProcess] = {}
        self._calls: dict[int, float] = {}
        self._rounds = 0

    def run(self) -> list[Row]:
        """Measures all cases.

        Returns:
            One row per case, in the order of the cases.
        """
        folder = Path(tempfile.mkdtemp(prefix="pan-keras-bench-"))
        try:
            self._build(folder)
            # The baseline comes first because it stays open for all groups.
            pending = [each for each in self.measured if not each.error]
            pending.sort(key=lambda each: each is not self.baseline)
            while pending:
                self._group(pending)
            if self.baseline is not None:
                self._end(self.baseline)
        except KeyboardInterrupt:
            self.interrupted = True
        finally:
            for process in self._processes.values():
                process.close()
            self._processes.clear()
            shutil.rmtree(folder, ignore_errors=True)
        return [each.to_row(self.baseline) for each in self.measured]

    def _build(self, folder: Path) -> None:
        builder = Builder(folder, self.progress)
        try:
            if self.facts:
                builder.count(self.measured, self.facts)
            self._arrays = builder.references(self.measured, self.references)
            builder.files(self.measured)
        finally:
            builder.close()

    def _group(self, pending: list[Measured]) -> None:
        """Opens as many pending cases as fit in memory, and measures them."""
        whole = len(pending)
        group: list[Measured] = []
        if self.baseline is not None and id(self.baseline) in self._processes:
            group.append(self.baseline)
        while pending and (len(group) < 2 or _has_room()):
            each = pending.pop(0)
            self.progress(f"open {each.case.name}")
            if self._open(each):
                group.append(each)
        self._measure(group, self.budget.seconds * (whole - len(pending)) / whole)
        self.budget = Budget(
            self.budget.seconds * len(pending) / whole, self.budget.fewest, self.budget.most
        )
        for each in group:
            if each is not self.baseline:
                self._end(each)

    def _open(self, each: Measured) -> bool:
        """Starts the process of a case, checks its answer and warms it up."""
        case = each.case
        try:
            self._processes[id(each)] = process = CaseProcess(
                case.threads, {"KERAS_BACKEND": keras_backend()} if _has_keras() else {}
            )
            opened = process.request("open", case, timeout=OPENING)
            each.known |= {"device": opened["device"], "backend": opened["backend"]}
            if case.reference:
                answer = process.request("answer", timeout=OPENING)
                self._check(each, answer)
            warm = process.request("warm_up", timeout=OPENING)
            each.known["sampled"] = warm["units"] / opened["units"]
            self._calls[id(each)] = warm["seconds"]
        except CaseError as error:
            self._fail(each, error)
        return not each.error

    def _check(self, each: Measured, answer: Any) -> None:
        """Compares an answer with the reference.

        Raises:
            CaseError: If it differs too much.
        """
        difference, snr = compare(answer, self._arrays[each.case.reference])
        each.known |= {"difference": float(f"{difference:.3g}"), "snr_db": round(snr, 1)}
        precision = each.case.precision
        # `not <=` also rejects NaN.
        limit = each.case.tolerance
        if precision == "float32" and limit is not None and not difference <= limit:
            raise CaseError(
                f"wrong: off by {difference:.2g} from the reference, more than {limit:g}"
            )
        if not snr >= LEAST_SNR[precision]:
            raise CaseError(
                f"wrong: a signal-to-noise ratio of {snr:.1f} dB against the reference, less than "
                f"{LEAST_SNR[precision]:.0f}"
            )

    def _measure(self, group: list[Measured], seconds: float) -> None:
        """Measures a group in rounds, in a different order each time."""
        generator = np.random.default_rng(0)
        end = time.monotonic() + seconds
        done = 0
        while group and done < self.budget.most:
            if done >= self.budget.fewest and time.monotonic() > end:
                break
            self.progress(f"round {done + 1} ({len(group)} cases)")
            for place in generator.permutation(len(group)):
                each = group[place]
                if not each.error:
                    self._round(each)
            self._rounds += 1
            done += 1

    def _round(self, each: Measured) -> None:
        limit = max(ROUND, PATIENCE * self._calls[id(each)])
        try:
            found = self._processes[id(each)].request("round", timeout=limit)
        except CaseError as error:
            self._fail(each, error)
            return
        scale = 1 / each.known["sampled"]
        each.seconds[self._rounds] = [scale * value for value in found["seconds"]]
        each.parts += [
            {name: scale * value for name, value in parts.items()} for parts in found["parts"]
        ]
        each.processor += [scale * value for value in found["processor"]]
        each.known["memory_mb"] = found["memory_mb"]

    def _end(self, each: Measured) -> None:
        """Asks a session for its final facts and closes its process."""
        process = self._processes.pop(id(each), None)
        if process is None:
            return
        try:
            if not each.error:
                each.known["facts"] = process.request("facts", timeout=OPENING)
        except CaseError as error:
            self._fail(each, error)
        finally:
            process.close()

    def _fail(self, each: Measured, error: Exception) -> None:
        """Gives up a case; a case that failed or answered wrongly has no time."""
        each.error = str(error)
        each.seconds.clear()
        each.parts.clear()
        each.processor.clear()
        if process := self._processes.pop(id(each), None):
            process.close()


def _has_room() -> bool:
    available = memory_available_mb()
    return available is None or available > RESERVE_MB


def _has_keras() -> bool:
    try:
        return bool(keras_backend())
    except Exception:
        return False
