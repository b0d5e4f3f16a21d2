"""The process of a case: does what it is told over a pipe, one request at a time.

`python -m pan_keras.bench.worker DESCRIPTOR`, started by `pan_keras.bench.process`. A request is a
tuple of a name and arguments, an answer `("done", value)` or `("error", sentence)`. The process
ends when the pipe is closed.
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

SETTLING = 0.03  # seconds of calls before each round: other processes have filled the caches
ROUND = 0.15  # seconds that a round lasts at least, unless that takes more than MOST_CALLS
MOST_CALLS = 20
LONGEST_CALL = 1.0  # seconds; a divisible session is given less to do
STABLE = 0.1  # by how much the last three calls of a warm-up may differ
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
    """A timed call: what counts of its time, its parts, and seconds of processors that it took."""

    seconds: list[float]
    parts: dict[str, float]
    processor: float | None


class Worker:
    """The requests that a process answers."""

    def __init__(self) -> None:
        self.session: Session | None = None
        self.units = 0

    def call(self, function: str, *arguments: Any) -> Any:
        """Calls a function that is named `module:function`."""
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
        """The result of the session, for the check before it is timed."""
        return self._open_session().answer()

    def warm_up(self) -> dict[str, Any]:
        """Calls the session until its times are stable, and decides how much a call does."""
        session = self._open_session()
        self.units = 1 if session.divisible else session.units
        self._timed()  # which compiles, allocates and loads
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
        # A call that is longer than a round has settled by itself, and is not to be wasted.
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
        """What the session has to say at the end."""
        return dict(self._open_session().facts)

    def _timed(self) -> "Call":
        session = self._open_session()
        start, processor = time.perf_counter(), time.process_time()
        timing = session.run(self.units)
        processor = time.process_time() - processor
        wall = time.perf_counter() - start
        if timing is None or not timing.seconds:
            return Call([wall], dict(timing.parts) if timing else {}, processor)
        # What counts is not the whole call, whose processor time would not belong to it.
        return Call(list(timing.seconds), dict(timing.parts), None)

    def _open_session(self) -> Session:
        if self.session is None:
            raise RuntimeError("no session is open")
        return self.session


def resolve(name: str) -> Any:
    """The function that is named `module:function`."""
    module, _, function = name.partition(":")
    return getattr(import_module(module), function)


def sentence(error: Exception) -> str:
    """An error on one line."""
    if isinstance(error, ModuleNotFoundError):
        error = missing_part(error) or error
    first = (str(error).strip().splitlines() or [""])[0][:300]
    if isinstance(error, UserError | ValueError) and first:
        return first
    return f"{type(error).__name__}: {first}".rstrip(": ")


if __name__ == "__main__":
    main(int(sys.argv[1]), [int(each) for each in sys.argv[2:]])
