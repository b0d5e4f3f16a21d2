"""Measures cases side by side, in rounds that interleave."""

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

# The least signal-to-noise ratio in dB against the reference, which tells the rounding of fewer
# bits, and of small values, from another result.
LEAST_SNR = {
    "float32": 60.0,
    "float16": 40.0,
    "bfloat16": 25.0,
    "uint8": 25.0,
    "dynamic": 15.0,
    "int8": 10.0,
}
RESERVE_MB = 2500.0  # memory that is left to others; further cases wait for the next group
OPENING = 180.0  # seconds that a session may take to open, to answer, to warm up
ROUND = 60.0  # seconds that a round may take, or as often as it has to
PATIENCE = 20.0  # times the call of the warm-up


@dataclass(frozen=True)
class Budget:
    """How long a benchmark may take.

    Attributes:
        seconds: For the rounds of all cases together, without what comes before them.
        fewest: Rounds that are run even if they take longer.
        most: Rounds at most.
    """

    seconds: float
    fewest: int = 3
    most: int = 30


FULL = Budget(240.0)
QUICK = Budget(25.0, 2, 10)


class Benchmark:
    """Opens each case in a process of its own and measures all of them in turns.

    Files and references are made first, in a further process. Where memory does not hold the
    processes of all cases at once, they are measured in groups; the baseline takes part in each.

    Args:
        cases: What to measure.
        budget: How long.
        baseline: The case whose time the others are compared with; None for none.
        references: `module:function` by key of a reference: takes a case and gives the array.
        facts: `module:function` that takes a case and gives fields of its row, such as `macs`;
            empty for none.
        progress: Called with one line on what is going on.

    Attributes:
        interrupted: Whether `KeyboardInterrupt` ended it; the rows hold what was measured before.

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
        """Measures everything.

        Returns:
            One row a case, in the order of the cases.
        """
        folder = Path(tempfile.mkdtemp(prefix="pan-keras-bench-"))
        try:
            self._build(folder)
            # The baseline first: it stays through all groups.
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
        """Opens as many of the pending cases as memory holds, and measures them."""
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
            CaseError: If it is wrong.
        """
        difference, snr = compare(answer, self._arrays[each.case.reference])
        each.known |= {"difference": float(f"{difference:.3g}"), "snr_db": round(snr, 1)}
        precision = each.case.precision
        # Written so that what is no number is wrong.
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
        """Rounds of a group, in another order each time."""
        generator = np.random.default_rng(0)
        end = time.monotonic() + seconds
        done = 0
        while group and done < self.budget.most:
            if done >= self.budget.fewest and time.monotonic() > end:
                break
            self.progress(f"round {done + 1} of {len(group)} cases")
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
        """Asks a session for its last facts and closes its process."""
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
        """Gives a case up; what breaks or is wrong has no time."""
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
