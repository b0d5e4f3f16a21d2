"""`pan-keras bench` reads the results of the app's benchmark."""

import json
from pathlib import Path

import pytest

from pan_keras.bench.results import Results

# Written by BenchmarkActivityTest of the app, which holds it to what the app writes.
GOLDEN = Path(__file__).parents[1] / "golden" / "android_benchmark.json"


def test_the_results_of_the_app_follow_the_schema_of_the_benchmarks():
    content = json.loads(GOLDEN.read_text(encoding="utf-8"))
    results = Results.from_json(content)
    assert results.work["benchmark"] == "model"
    assert {row.target for row in results.rows} == {"android"}
    assert all(row.error is None and row.p50_ms > 0 for row in results.rows)
    assert set(results.rows[0].milliseconds) == {"preprocess", "run", "read_back"}


def test_a_row_of_the_app_has_the_package_counts_of_frames_and_pairs():
    content = json.loads(GOLDEN.read_text(encoding="utf-8"))
    work = content["work"]
    assert work["pairs"] == work["segments"] * (work["stack"] - 1)
    for row in content["rows"]:
        segments = 1 if row["graph"] == "step" else work["segments"]
        calls = 1000 / row["p50_ms"]
        assert row["frames_per_second"] == pytest.approx(calls * segments * work["stack"], rel=1e-2)
        pairs = segments * (work["stack"] - 1)
        assert row["pairs_per_second"] == pytest.approx(calls * pairs, rel=1e-2)
