"""Tables of documents match the committed results."""

import csv
import io
from pathlib import Path

import pytest

from pan_keras.bench.case import Case, Work
from pan_keras.bench.document_tables import peers_table, video_table, with_tables
from pan_keras.bench.peers import per_second
from pan_keras.bench.results import Results
from pan_keras.bench.row import Measured
from pan_keras.bench.suite import joined_csv
from pan_keras.errors import UserError

ROOT = Path(__file__).parents[2]
WORK = Work(8, 4, 224, 224)


def results_csv(benchmark, *rows):
    machine = {"name": "a machine", "busy": False}
    return joined_csv({benchmark: Results(machine, {}, rows)})


def measured(method, seconds, **known):
    case = Case(method, "litert", WORK, graph=known.pop("graph", "step"))
    return Measured(case, {0: [seconds], 1: [seconds]}, known=known)


def records(text):
    return list(csv.DictReader(io.StringIO(text)))


def video_csv():
    own, rival = measured("pan_lite", 0.1), measured("two_stream_tvl1", 5.0)
    for each in (own, rival):
        each.parts.append({"decode": 0.02, "motion": 0.05, "network": 0.03})
    return results_csv("video", *(each.to_row(own) for each in (rival, own)))


def test_methods_are_listed_fastest_first_with_the_parts_of_their_time():
    assert video_table(records(video_csv())).splitlines()[2:] == [
        "| `pan_lite` | float32 | 100 | 20 | 50 | 30 | 1, 1 to 1 |",
        "| `two_stream_tvl1` | float32 | 5,000 | 20 | 50 | 30 | 0.02, 0.02 to 0.02 |",
    ]


def test_networks_are_listed_with_the_cost_of_an_answer_and_a_second_of_video():
    facts = {"answers_per_second": 2.0, "bytes": 9_000_000}
    known = {"macs": 489_000_000, "parameters": 2_260_000, "facts": facts}
    clip = measured("tsm_mobilenetv2", 0.05, graph="fast", **known).to_row()
    step = per_second(measured("pan_lite_mobilenetv2", 0.014, **known).to_row())
    text = results_csv("peers", per_second(clip), step)
    assert peers_table(records(text)).splitlines()[2:] == [
        "| `pan_lite_mobilenetv2` float32 | step | 489 | 2.26 | 9.0 | 14.00 | 28.0 (2/s) | 70.0 |",
        "| `tsm_mobilenetv2` float32 | clip | 489 | 2.26 | 9.0 | 50.00 | 100.0 (2/s) | 250.0 |",
    ]


def test_a_table_replaces_the_text_between_its_marks(tmp_path):
    (tmp_path / "a.csv").write_text(video_csv())
    text = "x\n<!-- video table: a.csv -->\nold\n<!-- end of table -->\ny\n"
    made = with_tables(text, tmp_path)
    assert "old" not in made
    assert "| `pan_lite` | float32 | 100 |" in made
    assert made.startswith("x\n<!-- video table: a.csv -->\n| Method")
    assert with_tables(made, tmp_path) == made


def test_a_file_that_is_missing_or_something_else_is_refused(tmp_path):
    text = "<!-- peers table: a.csv -->\n<!-- end of table -->"
    with pytest.raises(UserError, match=r"a.csv: not readable \(No such file"):
        with_tables(text, tmp_path)
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"a.csv: not a results file"):
        with_tables(text, tmp_path)


def test_the_page_has_the_tables_of_its_results():
    text = (ROOT / "docs" / "bench.md").read_text(encoding="utf-8")
    assert "<!-- peers table: " in text
    assert "<!-- video table: " in text
    assert with_tables(text, ROOT / "export" / "results") == text, "run make speed-table"
