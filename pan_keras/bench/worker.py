"""The process of a case: executes requests from a pipe, one at a time.

Started by `pan_keras.bench.process` as `python -m pan_keras.bench.worker DESCRIPTOR`. A request is
a tuple of a name and arguments; an answer is `("done", value)` or `("error", sentence)`. The
process ends when the pipe is closed.
"""

import os
import statistics
import sys
import time
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from pan_keras.bench.case import Case
from pan_keras.bench.machine import memory_peak_mb
from pan_keras.bench.session import Session
from pan_keras.errors import UserError
from pan_keras.installation import missing_part

SETTLING = 0.03  # seconds of calls before each round: other processes have evicted the caches
ROUND = 0.15  # minimum seconds per round, unless that takes more than MOST_CALLS
MOST_CALLS = 20
LONGEST_CALL = 1.0  # seconds, above which a divisible session gets less work per call
STABLE = 0.1  # largest relative difference of the last three calls of a warm-up
WARM_UP = 2.0  # seconds


def main(descriptor: int, processors: list[int]) -> None:
    """Answers requests until the pipe is closed."""
    if processors and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, processors)
    worker = Worker()
    with Connection(descriptor) as pipe:
        while True:
            try:
                name, *arguments = pipe.recv()
            except EOFError:
                return
            try:
                pipe.send(("done", getattr(worker, name)(*arguments)))
            except BrokenPipeError:
                return
            except Exception as error:
                pipe.send(("error", sentence(error)))


class Call(NamedTuple):
    """A timed call: seconds that count, seconds of its parts, and processor seconds."""

    seconds: list[float]
    parts: dict[str, float]
    processor: float | None


class Worker:
    """Implements the requests that a process answers."""

    def __init__(self) -> None:
        self.session: Session | None = None
        self.units = 0

    def call(self, function: str, *arguments: Any) -> Any:
        """Calls a function named as `module:function`."""
        return resolve(function)(*arguments)

    def open(self, case: Case) -> dict[str, Any]:
        """Opens the session of a case."""
        opener = case.opener or f"pan_keras.bench.targets.{case.target}:open_session"
        self.session = session = resolve(opener)(case)
        self.units = session.units
        return {
            "device": session.device,
            "backend": session.backend,
            "units": session.units,
        }

    def answer(self) -> Any:
        """Returns the result of the session, for the check before it is timed."""
        return self._open_session().answer()

    def warm_up(self) -> dict[str, Any]:
        """Calls the session until its times are stable, and sets how much work a call does."""
        session = self._open_session()
        self.units = 1 if session.divisible else session.units
        self._timed()  # compiles, allocates and loads
        end = time.perf_counter() + WARM_UP
        one = statistics.median(self._timed().seconds)
        if session.divisible:
            self.units = max(1, min(session.units, int(LONGEST_CALL / max(one, 1e-9))))
            if self.units > 1:
                self._timed()
        recent = [one * self.units]
        while time.perf_counter() < end:
            recent = [*recent, *self._timed().seconds][-3:]
            if len(recent) == 3 and max(recent) <= (1 + STABLE) * min(recent):
                break
        return {"units": self.units, "seconds": statistics.median(recent)}

    def round(self) -> dict[str, Any]:
        """Times the calls of one round."""
        end = time.perf_counter() + SETTLING
        call = self._timed()
        # A call longer than a round has warmed up by itself, so it counts.
        calls = [call] if call.seconds[0] > ROUND else []
        while not calls and time.perf_counter() < end:
            self._timed()
        end = time.perf_counter() + ROUND
        while not calls or (time.perf_counter() < end and len(calls) < MOST_CALLS):
            calls.append(self._timed())
        return {
            "seconds": [value for call in calls for value in call.seconds],
            "parts": [call.parts for call in calls if call.parts],
            "processor": [call.processor for call in calls if call.processor is not None],
            "memory_mb": memory_peak_mb(),
        }

    def facts(self) -> dict[str, Any]:
        """Returns the facts of the session after all rounds."""
        return dict(self._open_session().facts)

    def _timed(self) -> "Call":
        session = self._open_session()
        start, processor = time.perf_counter(), time.process_time()
        timing = session.run(self.units)
        processor = time.process_time() - processor
        wall = time.perf_counter() - start
        if timing is None or not timing.seconds:
            return Call([wall], dict(timing.parts) if timing else {}, processor)
        # Only part of the call counts, so the processor time of all of it would be wrong.
        return Call(list(timing.seconds), dict(timing.parts), None)

    def _open_session(self) -> Session:
        if self.session is None:
            raise RuntimeError("no session is open")
        return self.session


def resolve(name: str) -> Any:
    """Returns the function named as `module:function`."""
    module, _, function = name.partition(":")
    return getattr(import_module(module), function)


def sentence(error: Exception) -> str:
    """Formats an error as one line."""
    if isinstance(error, ModuleNotFoundError):
        error = missing_part(error) or error
    first = (str(error).strip().splitlines() or [""])[0][:300]
    if isinstance(error, UserError | ValueError) and first:
        return first
    return f"{type(error).__name__}: {first}".rstrip(": ")


if __name__ == "__main__":
    main(int(sys.argv[1]), [int(each) for each in sys.argv[2:]])
