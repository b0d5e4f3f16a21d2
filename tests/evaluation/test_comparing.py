"""Runs are compared only on the clips that all of them were evaluated on."""

import json
import os
import shutil
from dataclasses import replace

import cv2
import pytest
from click.testing import CliRunner

from pan_keras.cli import main
from pan_keras.errors import UserError
from pan_keras.evaluation import evaluate
from pan_keras.evaluation.comparing import compare, measured
from pan_keras.metrics.scores import wilson
from pan_keras.models.cost import cost
from pan_keras.runs.run import Run


@pytest.fixture(scope="module")
def evaluated(make_run, tmp_path_factory):
    run = make_run()
    evaluate(run.path, progress=False)
    return run


@pytest.fixture
def pair(evaluated, tmp_path):
    """Two runs on eight clips: the first is wrong on one, the second on half of them."""
    runs = [Run(shutil.copytree(evaluated.path, tmp_path / name)) for name in ("good", "fair")]
    rewrite(runs[0], lambda place, clip: clip.truth if place else other(clip.truth))
    rewrite(runs[1], lambda place, clip: clip.truth if place < 4 else other(clip.truth))
    return runs


def other(label):
    return "down" if label == "up" else "up"


def rewrite(run, predicted, keep=slice(None), **changes):
    """Changes the predictions of a stored evaluation; its confusion tables are left as they are."""
    evaluation = measured(run, "test")
    results = tuple(
        replace(clip, predicted=predicted(place, clip))
        for place, clip in enumerate(evaluation.results)
    )
    replace(evaluation, results=results[keep], **changes).write(run.path / "evaluation")


def invoke(*arguments):
    return CliRunner().invoke(main, ["compare", *map(str, arguments)], catch_exceptions=False)


def test_figures_are_those_of_the_common_clips(pair):
    comparison = compare([run.path for run in pair])
    assert (comparison.clips, comparison.left_out) == (8, 0)
    good, fair = comparison.runs
    assert (good.name, good.top1, fair.name, fair.top1) == ("good", 7 / 8, "fair", 4 / 8)
    assert good.interval == wilson(7, 8)
    (only,) = comparison.pairs
    # Only the second is right on one clip, only the first on four: 2 * (1 + 5) / 32.
    assert (only.only_first, only.only_second) == (4, 1)
    assert only.p == only.p_adjusted == pytest.approx(12 / 32)
    counted = cost(pair[0].load_model())
    assert (good.parameters, good.macs) == (counted.parameters, counted.macs)


def test_classes_that_differ_most_come_first(pair):
    comparison = compare([run.path for run in pair])
    spreads = [each.spread for each in comparison.classes]
    assert spreads == sorted(spreads, reverse=True)
    assert spreads == [1, 1, 1, 1, 1, 0, 0, 0]
    assert {each.clips for each in comparison.classes} == {1}


def test_clips_that_one_run_lacks_are_left_out(pair):
    rewrite(pair[1], lambda _, clip: clip.truth, keep=slice(3, None))
    comparison = compare([run.path for run in pair])
    assert (comparison.clips, comparison.left_out) == (5, 3)
    assert [run.top1 for run in comparison.runs] == [1, 1]
    assert comparison.pairs[0].p == 1


def test_runs_are_matched_by_their_clips_wherever_the_data_lie(pair, small_motions, tmp_path):
    expected = compare([run.path for run in pair])
    moved = Run(pair[1].path)
    videos = shutil.copytree(small_motions, tmp_path / "elsewhere")
    for name in ("config.toml", "data_identity.json", "evaluation/test_clips.csv"):
        file = moved.path / name
        file.write_text(file.read_text().replace(str(small_motions), str(videos)))
    os.utime(moved.path / "evaluation" / "test.json")
    found = compare([run.path for run in (pair[0], moved)])
    assert (found.clips, found.left_out) == (8, 0)
    assert found.pairs == expected.pairs
    assert [run.top1 for run in found.runs] == [run.top1 for run in expected.runs]


def test_clips_of_the_same_name_but_another_size_are_not_the_same(pair):
    other = Run(pair[1].path)
    identity = other.identity
    resized = tuple(replace(clip, bytes=clip.bytes + 1) for clip in identity.clips)
    other.write_identity(replace(identity, clips=resized))
    digest = Run(other.path).identity.digest
    file = other.path / "evaluation" / "test.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"data_digest": digest}))
    with pytest.raises(UserError, match="no clip in common"):
        compare([pair[0].path, other.path], progress=False)


def test_several_pairs_are_adjusted(pair, evaluated):
    comparison = compare([*(run.path for run in pair), evaluated.path])
    assert len(comparison.pairs) == 3
    assert all(each.p_adjusted >= each.p for each in comparison.pairs)
    assert "for 3 pairs (Holm)" in comparison.to_text()


def test_a_run_is_evaluated_if_missing_or_older_than_its_model(own_run):
    evaluation = own_run.path / "evaluation" / "test.json"
    assert not evaluation.exists()
    measured(own_run, "test", progress=False)
    written = evaluation.stat().st_mtime_ns
    measured(own_run, "test", progress=False)
    assert evaluation.stat().st_mtime_ns == written
    later = written + 10**9
    os.utime(own_run.path / "model.keras", ns=(later, later))
    measured(own_run, "test", progress=False)
    assert evaluation.stat().st_mtime_ns > written


def test_the_command_writes_a_self_contained_page(pair, tmp_path):
    good, fair = (run.path for run in pair)
    result = invoke(good, fair, "-o", tmp_path / "compare.html", "--json")
    found = json.loads(result.stdout)
    assert [run["model"] for run in found["runs"]] == ["pan_lite_micro"] * 2
    page = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    assert "http" not in page.replace("http://www.w3.org", "")
    assert "McNemar" in page

    text = invoke(good, fair, "-o", tmp_path / "compare.png").stdout
    assert "87.5%" in text
    assert "p = 0.38" in text
    assert cv2.imread(str(tmp_path / "compare.png")).shape[1] > 900


def test_user_errors_are_named(pair, tmp_path):
    good, fair = (run.path for run in pair)
    assert "give two or more" in invoke(good).output
    assert "given twice" in invoke(good, good).output
    result = invoke(good, fair, "-o", tmp_path / "compare.txt")
    assert result.exit_code == 2
    assert ".html or .png" in result.output
