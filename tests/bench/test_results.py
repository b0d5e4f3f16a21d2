"""Results as text, CSV and JSON, the paper's tables, and the files of `bench all`."""

import csv
import io
import json

import numpy as np
import pytest
from results_made import made_results

from pan_keras.bench import suite
from pan_keras.bench.paper_tables import (
    fastest,
    paper_tables,
    read_accuracies,
)
from pan_keras.bench.ratio import ratio_of
from pan_keras.bench.results import Results
from pan_keras.bench.suite import file_name, joined_csv, measure_all, write_results
from pan_keras.errors import UserError

ACCURACY = """network,model,settings,cue,method,top1,low,high,seeds
RGB,tsn_micro,,rgb,,0.1500,0.1000,0.2000,0.14 0.16
PA,pa_micro,,pa,pa,0.9000,0.8500,0.9400,0.88 0.90 0.92
depth 2,pa_micro,model.motion_depth=2,pa,pa,0.5000,0.4000,0.6000,0.5
"""


@pytest.fixture
def results():
    return made_results()


def test_text_is_fastest_first_and_lists_cases_not_measured(results):
    lines = results.to_text().splitlines()
    assert lines[2].startswith("dis_ultrafast opencv float32")
    assert "not measured: a | reason" in lines
    assert "other programs took 50% of its processors" in lines[-1]


def test_json_that_does_not_follow_the_schema_is_refused(results):
    content = json.loads(json.dumps(results.to_json()))
    assert Results.from_json(content) == results
    content["rows"][0]["p50_ms"] = "fast"
    with pytest.raises(UserError, match=r"phone\.json: does not follow the schema of results"):
        Results.from_json(content, "phone.json")


def test_csv_has_a_line_per_row_with_the_machine(results):
    records = list(csv.DictReader(io.StringIO(joined_csv({"motion": results, "again": results}))))
    assert [record["benchmark"] for record in records] == ["motion"] * 7 + ["again"] * 7
    assert records[1]["ratio"] == "400.0"
    assert {record["machine"] for record in records} == {"Some CPU (x86_64)"}
    assert {record["busy"] for record in records} == {"true"}


def test_a_file_is_named_by_hardware_and_versions(results):
    expected = "some-cpu-x86-64-2-cores-tensorflow-2.21-litert-2.3.csv"
    assert file_name(results) == expected


def test_the_fastest_form_of_pa_is_of_depth_1_and_of_the_precision(results):
    assert fastest(results.rows, "pa").p50_ms == 40
    assert fastest(results.rows, "pa", "int8").p50_ms == 20
    assert fastest(results.rows, "flownet2") is None


def test_tables_have_the_papers_numbers_beside_those_measured(results, tmp_path):
    (tmp_path / "results.csv").write_text(ACCURACY)
    lines = paper_tables(results, read_accuracies(tmp_path)).splitlines()
    (pa,) = [line for line in lines if line.startswith("| PA |")]
    assert [cell.strip() for cell in pa.split("|")[2:-1]] == [
        *("2.868 G", "2.868 G", "1.184 k", "1.184 k", "8,196", "1,200", "1,024"),
        *("100 (90 to 110)", "89.5%", "90.0% (85.0% to 94.0%, 3 seeds)"),
    ]
    assert any(line.startswith("| FlowNet2.0 | 2019 G |") for line in lines)
    assert any("busy" in line for line in lines)
    assert len({line.count("|") for line in lines if line.startswith("| ")}) == 1


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", ACCURACY.replace("0.9000", "good")])
def test_a_file_without_accuracies_is_refused(text, tmp_path):
    (tmp_path / "results.csv").write_text(text)
    if text:
        with pytest.raises(UserError, match="not a table of accuracies"):
            read_accuracies(tmp_path / "results.csv")
    with pytest.raises(UserError, match="not readable"):
        read_accuracies(tmp_path / "absent.csv")


def test_all_benchmarks_run_and_leave_their_files(results, tmp_path, monkeypatch):
    asked = []
    run = lambda threads, quick, progress: asked.append((threads, quick)) or results  # noqa: E731
    monkeypatch.setattr(suite, "SUITE", {"motion": run, "model": run})
    found = measure_all(threads=1, quick=True)
    assert asked == [(1, True)] * 2
    table = write_results(found, tmp_path / "report")
    names = {"motion.json", "model.json", "tables.md", file_name(results)}
    assert {file.name for file in (tmp_path / "report").iterdir()} == names
    assert table.name == file_name(results)
    read = json.loads((tmp_path / "report" / "motion.json").read_text())
    assert Results.from_json(read) == results
    with pytest.raises(UserError, match="benchmark: 'all' is not one of motion, model"):
        measure_all(["all"])


def test_an_interrupted_benchmark_is_the_last(results, monkeypatch):
    stopped = Results(results.machine, {**results.work, "interrupted": True}, results.rows)
    monkeypatch.setattr(suite, "SUITE", {"one": lambda *_: stopped, "two": lambda *_: results})
    assert list(measure_all()) == ["one"]


def test_the_ratio_of_known_times_has_a_bootstrap_interval():
    generator = np.random.default_rng(1)
    slow = dict(enumerate(generator.normal(10, 1, 200)))
    fast = {index: value / 4 for index, value in slow.items()}
    assert ratio_of(fast, slow) == pytest.approx((4, 4, 4))
    noisy = dict(enumerate(generator.normal(2.5, 0.25, 200)))
    ratio, low, high = ratio_of(noisy, slow)
    assert low < 4 < high
    assert low <= ratio <= high
    # Standard error of a median of 200 values with deviation 0.1: 1.25 * 0.1 / sqrt(200), twice.
    assert high - low == pytest.approx(4 * 2 * 1.96 * 1.25 * 0.1 / 200**0.5 * 2**0.5, rel=0.5)
    assert ratio_of({1: 1.0}, {2: 1.0}) is None
