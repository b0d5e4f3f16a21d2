"""Clips read by a Ray cluster have the properties, faults and index that this process finds."""

import json
import shutil

import pytest
from ray_nodes import command
from stand_ins import make_ucf101

from pan_keras.data import open_data, prepare_dataset
from pan_keras.data.inspection import inspect_clips

pytestmark = pytest.mark.slow
RAY = ("--engine", "ray", "--json")


def forget(folder):
    """Removes the index of a folder."""
    for each in folder.glob(".clip_index*"):
        each.unlink()


def test_a_report_is_that_of_this_process(ray, videos, tmp_path):
    copy = shutil.copytree(videos, tmp_path / "videos")
    forget(copy)
    code, output, errors = command("dataset", "check", copy, *RAY)
    assert code == 0, errors
    report = json.loads(output)
    paths = sorted(copy.rglob("*.mp4"))
    assert inspect_clips(paths, copy).known == len(paths) - 1
    forget(copy)
    local = json.loads(json.dumps(open_data(copy).report()))
    assert {name: report[name] for name in local} == local
    assert "broken.mp4" in str(report)


def test_a_manifest_is_that_of_this_process(ray, tmp_path):
    source, pooled, local = (tmp_path / name for name in ("source", "pooled", "local"))
    make_ucf101(source)
    code, output, errors = command(
        "dataset", "prepare", "ucf101", "--source", source, "-o", pooled, *RAY
    )
    assert code == 0, errors
    expected = prepare_dataset("ucf101", source, local).to_json()
    assert json.loads(output) == {**expected, "manifest": str(pooled / "manifest.csv")}
    for name in ("manifest.csv", "problems.csv", "classes.txt"):
        assert (pooled / name).read_bytes() == (local / name).read_bytes()
