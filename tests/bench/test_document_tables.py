"""Tables of documents match the committed results."""

import csv
import io
from pathlib import Path

import pytest

from pan_keras.bench.case import Case, Work
from pan_keras.bench.document_tables import (
    RULE,
    TABLE,
    decode_table,
    encodings_table,
    few_clips_table,
    motion_cues_table,
    peers_table,
    shard_input_table,
    shards_table,
    speed_table,
    timelines_table,
    video_table,
    with_tables,
)
from pan_keras.bench.peers import per_second
from pan_keras.bench.results import Results
from pan_keras.bench.row import Measured
from pan_keras.bench.suite import joined_csv
from pan_keras.errors import UserError

ROOT = Path(__file__).parents[2]
WORK = Work(8, 4, 224, 224)


def results_csv(benchmark, *rows, busy=False):
    machine = {"name": "a machine", "busy": busy}
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


def test_clips_are_listed_with_the_time_of_each_reader():
    reads = (
        measured("pan_keras", 0.016, graph="a.mp4 320x240"),
        measured("opencv", 0.0224, graph="a.mp4 320x240"),
        measured("opencv", 0.031, graph="b.webm 320x240"),
    )
    text = results_csv("decode", *(each.to_row() for each in reads))
    assert decode_table(records(text)).splitlines() == [
        "| Clip | `pan_keras` | `opencv` |",
        "|---|---:|---:|",
        "| a.mp4 320x240 | 16 | 22 |",
        "| b.webm 320x240 |  | 31 |",
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


def motion_csv():
    """TV-L1, the plain and the fast form of PA, PA of another depth, and PA in int8."""
    baseline = cue("tvl1", 4.0, "opencv")
    cues = (
        cue("pa", 0.08, "litert", depth=1, graph="plain"),
        cue("pa", 0.04, "litert", depth=1, graph="fast"),
        cue("pa", 0.01, "litert", depth=0, graph="plain"),
        cue("pa", 0.02, "litert", depth=1, graph="fast", precision="int8"),
    )
    return results_csv("motion", *(each.to_row(baseline) for each in (baseline, *cues)))


def cue(method, seconds, target, depth=None, **form):
    case = Case(method, target, WORK, options={"depth": depth}, **form)
    return Measured(case, {0: [seconds], 1: [seconds]})


def test_the_speed_of_a_cue_is_that_of_its_fastest_form_in_float32():
    assert speed_table(records(motion_csv())).splitlines()[2:] == [
        "| PA | litert fast | 600 | 100 |",
        "| TV-L1 | opencv | 6 | 1 |",
        "",
        "a machine, 2 threads.",
    ]


def test_cues_are_listed_by_their_accuracy_with_their_speed():
    accuracies = (
        "network,method,top1,low,high,seeds\n"
        "RGB,,0.1,0.0,1.0,0.1\n"
        "PA,pa,0.85,0.2,1.0,0.8 0.9\n"
        "TV-L1,tvl1,0.9,0.0,1.0,0.9\n"
    )
    assert motion_cues_table(records(accuracies), records(motion_csv())).splitlines()[2:] == [
        "| TV-L1 | 0.900 |  | 0.900 | 6 |",
        "| PA | 0.850 | 0.200 to 1.000 | 0.800, 0.900 | 600 |",
        "| RGB | 0.100 |  | 0.100 |  |",
    ]


def test_networks_for_few_clips_have_the_cost_of_their_int8_file():
    accuracies = (
        "network,tested,top1,low,high,seeds\n"
        '"micro, chosen",scenes,0.7,0.6,0.8,\n'
        '"micro, card",recorder B,0.95,0.0,1.0,0.95\n'
        '"micro, chosen",recorder B,0.9,0.8,1.0,0.9 0.9\n'
    )
    bundles = (
        "network,precision,p50_ms,megabytes\n"
        '"micro, chosen",float32,8.0,0.75\n'
        '"micro, chosen",int8,3.66,0.25\n'
    )
    assert few_clips_table(records(accuracies), records(bundles)).splitlines()[2:] == [
        "| micro, card; recorder B | 0.950 |  | 0.950 |  |  |",
        "| micro, chosen; recorder B | 0.900 | 0.800 to 1.000 | 0.900, 0.900 | 0.25 MB | 3.7 |",
        "| micro, chosen; scenes | 0.700 | 0.600 to 0.800 |  | 0.25 MB | 3.7 |",
    ]


def test_timelines_are_those_of_keras_by_the_present_rule():
    head = "network,rule,model,video,unknown,segments,f1_10,f1_25,f1_50,false_alarms_per_minute\n"
    lines = [
        f"micro,{rule},{model},test-1,no,45,0.5,0.4,0.3,8.5\n"
        for rule, model in ((RULE, "keras"), (RULE, "bundle int8"), ("another", "keras"))
    ]
    assert timelines_table(records(head + "".join(lines))).splitlines()[2:] == [
        "| `micro` | test-1 | no | 45 | 0.5 | 0.4 | 0.3 | 8.5 |"
    ]


def test_shards_are_compared_with_the_video_of_the_same_size():
    head = "short_side,graph,method,p50_ms,ratio,ratio_low,ratio_high\n"
    lines = [
        f"{side},a.mp4,{method},{milliseconds},{ratio},{ratio},{ratio}\n"
        for side, factor in ((112, 1), (256, 2))
        for method, milliseconds, ratio in (
            ("pan_keras", 20 * factor, 1.0),
            ("shard_jpeg", 5 * factor, 4.0),
            ("opencv", "", ""),
            ("shard_h264", 10 * factor, 2.0),
        )
    ]
    assert shards_table(records(head + "".join(lines))).splitlines()[2:] == [
        "| a.mp4 | 112 | 20.0 | 5.0 | 10.0 | 4 (4 to 4) | 2 (2 to 2) |",
        "| a.mp4 | 256 | 40.0 | 10.0 | 20.0 | 4 (4 to 4) | 2 (2 to 2) |",
    ]


def test_encodings_are_listed_with_the_cost_of_pa_and_of_the_network():
    text = (
        "network,model,settings,cue,method,top1,low,high,seeds,parameters,macs,motion_parameters,"
        "motion_macs\n"
        "depth 0,pa_micro,,pa,,0.8,0.7,0.9,0.75 0.85,174314,119000000,0,0\n"
        "depth 1,pa_micro,,pa,,0.9,0.0,1.0,0.9,175498,514032586,1184,395034624\n"
    )
    assert encodings_table(records(text)).splitlines()[2:] == [
        "| depth 0 | 0.800 | 0.700 to 0.900 | 0.750, 0.850 | 0 | 119 |",
        "| depth 1 | 0.900 |  | 0.900 | 395 | 514 |",
    ]


def test_training_input_has_a_column_per_number_of_workers():
    text = (
        "data,source,resize,size,workers,clips_per_second,low,high,processor_ms,load\n"
        "Kinetics,videos,256,224,1,11.8,11.4,12.0,83.4,1.0\n"
        "Kinetics,jpeg,256,224,1,48.0,47.0,49.0,20.6,1.0\n"
        "Kinetics,videos,256,224,2,20.1,19.0,21.0,85.6,2.0\n"
    )
    assert shard_input_table(records(text)).splitlines() == [
        "| Clips | Source | Frames | Clips/s, 1 worker | Clips/s, 2 workers "
        "| Processor time per clip, ms |",
        "|---|---|---|---:|---:|---:|",
        "| Kinetics | videos | 256, crops of 224 | 11.8 | 20.1 | 83 to 86 |",
        "| Kinetics | jpeg | 256, crops of 224 | 48.0 |  | 21 |",
    ]


def test_a_table_replaces_the_text_between_its_marks(tmp_path):
    (tmp_path / "a.csv").write_text(video_csv())
    text = "x\n<!-- video table: a.csv -->\nold\n<!-- end of table -->\ny\n"
    made = with_tables(text, tmp_path)
    assert "old" not in made
    assert "| `pan_lite` | float32 | 100 |" in made
    assert made.startswith("x\n<!-- video table: a.csv -->\n| Method")
    assert with_tables(made, tmp_path) == made


def test_a_busy_machine_is_said_below_the_table(tmp_path):
    (tmp_path / "a.csv").write_text(
        results_csv("motion", cue("pa", 1, "keras").to_row(), busy=True)
    )
    text = "<!-- speed table: a.csv -->\n<!-- end of table -->"
    assert "Other programs were running: ratios are valid" in with_tables(text, tmp_path)


def test_a_table_of_no_kind_is_refused(tmp_path):
    with pytest.raises(
        UserError, match=r"no such table; name one of speed, video, peers, motion-c"
    ):
        with_tables("<!-- size table: a.csv -->\n<!-- end of table -->", tmp_path)


def test_a_file_that_is_missing_or_something_else_is_refused(tmp_path):
    text = "<!-- peers table: a.csv -->\n<!-- end of table -->"
    with pytest.raises(UserError, match=r"a.csv: not readable \(No such file"):
        with_tables(text, tmp_path)
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"a.csv: not a results file"):
        with_tables(text, tmp_path)


def test_the_documents_have_the_tables_of_the_committed_results():
    kinds = {}
    for file in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        text = file.read_text(encoding="utf-8")
        assert with_tables(text, ROOT / "export" / "results") == text, f"{file}: run make tables"
        kinds[file.name] = {found[2] for found in TABLE.finditer(text)}
    assert {name: found for name, found in kinds.items() if found} == {
        "README.md": {"speed"},
        "ablation.md": {"motion-cues", "encodings"},
        "bench.md": {"video", "peers", "decode"},
        "few-clips.md": {"few-clips"},
        "shards.md": {"shards", "shard-input"},
        "unknown.md": {"timelines"},
    }
