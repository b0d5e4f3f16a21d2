"""Sessions for tests of the harness, which processes of cases import through `PYTHONPATH`."""

import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from pan_keras.bench.session import CallSession, Timing

UNIT = 0.002


def steady(case):
    """Sleeps in each call for as long as the case says, and reports the longest call."""
    seconds = case.options.get("seconds", UNIT)

    def call():
        start = time.perf_counter()
        time.sleep(seconds)
        took = 1000 * (time.perf_counter() - start)
        session.facts["longest_ms"] = max(took, session.facts.get("longest_ms", 0.0))

    session = CallSession(call, units=4, answer=lambda: np.ones(3))
    return session


class Clocked(CallSession):
    """A session whose clock advances by exactly the time that the case sets for a unit."""

    def __init__(self, seconds, units):
        super().__init__(None, units)
        self.seconds = seconds
        self.now = 0.0
        known = {"perf_counter": lambda: self.now, "process_time": lambda: self.now}
        sys.modules["__main__"].time = SimpleNamespace(**known)

    def run(self, units):
        self.now += self.seconds * units


def clocked(case):
    return Clocked(case.options["seconds"], units=1)


def divisible(case):
    session = Clocked(case.options["seconds"], units=4)
    session.divisible = True
    return session


def computes(case):
    """Computes in each call for as long as the case says."""

    def call():
        end = time.process_time() + case.options["seconds"]
        while time.process_time() < end:
            pass

    return CallSession(call, units=4)


def off(case):
    """Answers with a given distance from the reference."""
    return CallSession(lambda: None, 1, answer=lambda: np.ones(3) + case.options["distance"])


def parted(case):
    """Measures its own calls and their parts."""
    return CallSession(lambda: Timing((0.25,), {"run": 0.2, "read_back": 0.05}), 1)


def dies(case):
    """Exits its process in the first timed call."""
    calls = []

    def call():
        calls.append(1)
        if len(calls) > case.options.get("after", 0):
            sys.stdout.write("out of something")
            sys.stdout.flush()
            os._exit(3)

    return CallSession(call, 1)


def hangs(case):
    return CallSession(lambda: time.sleep(60), 1)


def facts_of_process(case):
    """Reports how its process was set up."""
    session = CallSession(lambda: None, 1)
    session.facts["processors"] = len(os.sched_getaffinity(0))
    session.facts["threads"] = os.environ["OMP_NUM_THREADS"]
    session.facts["pid"] = os.getpid()
    return session


def ones(case):
    """Returns a reference."""
    return np.ones(3)


def writes(case, folder):
    """Builds a file."""
    (folder / "file").write_text("built")


def reads(case):
    """Opens a session on the file that `writes` built."""
    assert (Path(case.options["folder"]) / "file").read_text() == "built"
    return CallSession(lambda: None, 1)
