"""Clips read by a Ray cluster have the properties, faults and index that this process finds."""

import json
import shutil

import pytest
from ray_nodes import command
from stand_ins import make_ucf101

from pan_keras.data import open_data, prepare_dataset
from pan_keras.data.inspection import inspect_clips

pytestmark = pytest.mark.slow
PROGRAM = """
import json, sys
from pan_keras.cluster import InspectionTasks, connect
from pan_keras.data import open_data, prepare_dataset

quiet = lambda *_: None
videos, source, output = sys.argv[1:]
with connect(processors=2) as cluster:
    read = InspectionTasks(cluster, clips=5)
    report = open_data(videos, read=read, progress=quiet).report()
    done = prepare_dataset("ucf101", source, output, read=read, progress=quiet)
print(json.dumps([report, done.to_json()]))
"""


def test_reports_and_manifests_are_those_of_this_process(ray, videos, tmp_path):
    copy = shutil.copytree(videos, tmp_path / "videos")
    for each in copy.glob(".clip_index*"):
        each.unlink()
    source = tmp_path / "source"
    make_ucf101(source)
    code, output, errors = command(copy, source, tmp_path / "ray", program=PROGRAM)
    assert code == 0, errors
    report, prepared = json.loads(output)
    paths = sorted(copy.rglob("*.mp4"))
    assert inspect_clips(paths, copy).known == len(paths) - 1
    for each in copy.glob(".clip_index*"):
        each.unlink()
    assert report == json.loads(json.dumps(open_data(copy).report()))
    local = prepare_dataset("ucf101", source, tmp_path / "local").to_json()
    assert prepared == {**local, "manifest": str(tmp_path / "ray" / "manifest.csv")}
    for name in ("manifest.csv", "problems.csv", "classes.txt"):
        assert (tmp_path / "ray" / name).read_bytes() == (tmp_path / "local" / name).read_bytes()
