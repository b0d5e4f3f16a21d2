"""The benchmark harness: separate processes, interleaved rounds, and failing cases."""

import os
import signal
import time
from pathlib import Path

import pytest

from pan_keras.bench import benchmark as harness
from pan_keras.bench.benchmark import Benchmark, Budget
from pan_keras.bench.case import Case, Work

WORK = Work(segments=2, stack=3, height=8, width=8)
SHORT = Budget(0.0, fewest=3, most=3)


@pytest.fixture(autouse=True)
def known_to_processes(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (Path.cwd(), Path(__file__).parent))))


def case(name, **options):
    known = ("threads", "reference", "precision", "builder")
    fields = {key: options.pop(key) for key in known if key in options}
    return Case(name, "test", WORK, opener=f"sessions:{name}", options=options, **fields)


def run(*cases, budget=SHORT, **options):
    return Benchmark(cases, budget, **options).run()


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_times_are_those_of_the_calls():
    slow, fast = run(case("steady", seconds=0.02), case("steady", seconds=0.002))
    # On a busy machine calls sleep longer; the session reports how long.
    assert 20 <= slow.p50_ms <= slow.facts["longest_ms"] + 1
    assert 2 <= fast.p50_ms <= fast.facts["longest_ms"] + 1
    assert slow.p5_ms <= slow.p50_ms <= slow.p95_ms <= slow.max_ms
    assert slow.pairs_per_second == pytest.approx(4 / slow.p50_ms * 1000, rel=1e-3)
    assert slow.frames_per_second == pytest.approx(6 / slow.p50_ms * 1000, rel=1e-3)
    assert slow.memory_mb > 10


def test_rows_come_in_the_order_of_the_cases_with_the_ratio_to_the_baseline():
    slow, fast = case("clocked", seconds=0.04), case("clocked", seconds=0.002)
    rows = run(slow, fast, baseline=slow)
    assert [row.p50_ms for row in rows] == pytest.approx([40, 2])
    assert [row.ratio for row in rows] == pytest.approx([1, 20])
    assert [rows[1].ratio_low, rows[1].ratio_high] == pytest.approx([20, 20])
    assert [row.rounds for row in rows] == [3, 3]
    # A round lasts 0.15 s, but has at most twenty calls.
    assert [row.samples for row in rows] == [3 * 4, 3 * 20]


def test_each_case_has_a_process_with_its_threads_pinned():
    one, two = run(case("facts_of_process", threads=1), case("facts_of_process", threads=2))
    assert (one.facts["processors"], one.facts["threads"]) == (1, "1")
    assert two.facts["threads"] == "2"
    assert one.facts["pid"] != two.facts["pid"]
    assert not alive(one.facts["pid"])


def test_a_case_that_crashes_reports_how_and_the_others_continue():
    at_once, later, good = run(case("dies"), case("dies", after=40), case("steady"))
    assert at_once.error == "its process exited with code 3: out of something"
    assert later.error == at_once.error
    assert later.p50_ms is later.pairs_per_second is None
    assert good.error is None
    assert good.rounds == 3


def test_a_case_that_hangs_is_terminated(monkeypatch):
    def progress(line):
        if line.startswith("open "):
            monkeypatch.setattr(harness, "OPENING", 2.0 if "hangs" in line else 180.0)

    hanging, good = run(case("hangs"), case("steady"), progress=progress)
    assert hanging.error == "did not respond within 2 s and was terminated"
    assert good.error is None


@pytest.mark.parametrize(
    ("precision", "distance", "wrong"),
    [
        ("float32", 0.9e-4, False),
        ("float32", 1.1e-4, True),
        ("float32", float("nan"), True),
        ("int8", 0.1, False),
        ("int8", 0.5, True),
        ("int8", float("nan"), True),
    ],
)
def test_a_case_with_wrong_output_has_no_time(precision, distance, wrong):
    (row,) = run(
        case("off", distance=distance, precision=precision, reference="ones"),
        references={"ones": "sessions:ones"},
    )
    assert (row.error is not None) == wrong
    assert (row.p50_ms is None) == wrong
    assert row.difference == pytest.approx(distance, rel=1e-2, nan_ok=True) or wrong


def test_cpu_time_is_reported_too():
    asleep, computing = run(case("steady", seconds=0.02), case("computes", seconds=0.02))
    assert asleep.processor_ms < 0.3 * asleep.p50_ms
    assert 19 < computing.processor_ms <= computing.p50_ms * 1.5


def test_a_session_may_time_itself_and_name_parts():
    (row,) = run(case("parted"))
    assert row.p50_ms == 250
    assert row.milliseconds == {"run": 200, "read_back": 50}
    assert row.processor_ms is None


def test_a_slow_divisible_case_does_part_of_the_work_and_reports_it():
    (row,) = run(case("divisible", seconds=0.3))
    assert row.sampled == 0.75  # three of four units are the most that take less than a second
    assert row.p50_ms == pytest.approx(1200)


def test_files_are_built_beforehand_and_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(harness.tempfile, "tempdir", str(tmp_path))
    (row,) = run(case("reads", builder="sessions:writes"))
    assert row.error is None
    assert not list(tmp_path.glob("pan-keras-bench-*"))


def test_a_builder_that_fails_affects_only_its_case():
    broken, good = run(case("reads", builder="sessions:absent"), case("steady"))
    assert "absent" in broken.error
    assert good.error is None


def test_a_case_with_an_error_is_not_run():
    (row,) = run(Case("x", "test", WORK, opener="sessions:steady", error="no such form"))
    assert (row.error, row.samples) == ("no such form", 0)


def test_with_little_memory_cases_run_in_groups_with_the_baseline(monkeypatch):
    monkeypatch.setattr(harness, "memory_available_mb", lambda: 0.0)
    cases = [Case(name, "test", WORK, opener="sessions:steady") for name in "abcd"]
    rows = run(*cases, baseline=cases[2])
    assert [row.error for row in rows] == [None] * 4
    assert [row.rounds for row in rows] == [3, 3, 9, 3]
    assert all(row.ratio is not None for row in rows)


def test_ctrl_c_keeps_the_rounds_and_leaves_no_process():
    measured = Benchmark([case("steady"), case("facts_of_process")], Budget(60.0, 3, 10_000))
    seen = []

    def progress(line):
        if line.startswith("round 3"):
            seen.extend(each._process.pid for each in measured._processes.values())
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)

    measured.progress = progress
    rows = measured.run()
    assert measured.interrupted
    assert rows[0].rounds == 2
    assert len(seen) == 2
    assert not any(map(alive, seen))
