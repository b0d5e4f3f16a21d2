"""Sessions for tests of the harness; processes of cases find them by `PYTHONPATH`."""

import os
import sys
import time
from pathlib import Path

import numpy as np

from pan_keras.bench.session import CallSession, Timing

UNIT = 0.002


def steady(case):
    """Each call sleeps for as long as the case says."""
    seconds = case.options.get("seconds", UNIT)
    return CallSession(lambda: time.sleep(seconds), units=4, answer=lambda: np.ones(3))


def computes(case):
    """Each call takes a processor for as long as the case says."""

    def call():
        end = time.process_time() + case.options["seconds"]
        while time.process_time() < end:
            pass

    return CallSession(call, units=4)


def off(case):
    """An answer that is off by a given distance."""
    return CallSession(lambda: None, 1, answer=lambda: np.ones(3) + case.options["distance"])


def parted(case):
    """Calls that measure themselves."""
    return CallSession(lambda: Timing((0.25,), {"run": 0.2, "read_back": 0.05}), 1)


class Divisible(CallSession):
    """Takes 0.3 s a unit."""

    divisible = True

    def run(self, units):
        time.sleep(0.3 * units)


def divisible(case):
    return Divisible(None, units=4)


def dies(case):
    """Ends its process at the first call that is timed."""
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
    """Tells how its process was set up."""
    session = CallSession(lambda: None, 1)
    session.facts["processors"] = len(os.sched_getaffinity(0))
    session.facts["threads"] = os.environ["OMP_NUM_THREADS"]
    session.facts["pid"] = os.getpid()
    return session


def ones(case):
    """A reference."""
    return np.ones(3)


def writes(case, folder):
    """A builder."""
    (folder / "file").write_text("built")


def reads(case):
    """The session of what `writes` wrote."""
    assert (Path(case.options["folder"]) / "file").read_text() == "built"
    return CallSession(lambda: None, 1)
