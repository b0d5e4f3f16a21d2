"""`docs/bundle.md` agrees with the code: its Python, its tables, its example."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from android_cases import GOLDEN as PICTURES
from android_cases import planes
from preprocessing_cases import FILE, cases, golden_frame

from pan_keras.bundle.schema import SCHEMA, SCHEMA_VERSION

DOCUMENT = (Path(__file__).parents[2] / "docs" / "bundle.md").read_text(encoding="utf-8")
GOLDEN = json.loads(FILE.read_text(encoding="utf-8"))
RESIZING = json.loads(FILE.with_name("resizing.json").read_text(encoding="utf-8"))
EXAMPLE = json.loads(re.search(r"^```text\n(\{.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)[1])


@pytest.fixture(scope="module")
def written():
    """Names that the Python blocks of the document define; running them checks their assertions."""
    names = {}
    for block in re.findall(r"^```python\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL):
        exec(compile(block, "bundle.md", "exec"), names)
    return names


def digest(pixels):
    return hashlib.sha256(np.array(pixels, np.uint8).tobytes()).hexdigest()


def test_the_cases_are_those_that_the_package_computes():
    assert json.loads(json.dumps(cases())) == GOLDEN


@pytest.mark.parametrize("case", GOLDEN["whole_video"], ids=lambda case: case["frames"])
def test_the_document_samples_the_frames_of_a_whole_video(written, case):
    found = written["whole_video"](case["frames"], case["segments"], case["stack"])
    assert found == case["result"]


@pytest.mark.parametrize("case", GOLDEN["live"], ids=lambda case: case["name"])
def test_the_document_cuts_the_segments_of_live_video(written, case):
    window = written["Live"](case["segments"], case["stack"], case["frame_rate"], case["live"])
    found = [
        {"at": number, "frames": frames}
        for number, time in enumerate(case["times"])
        for frames in window.push(number, time)
    ]
    expected = [{key: record[key] for key in ("at", "frames")} for record in case["result"]]
    assert len(expected) >= case["segments"]
    assert found == expected


def test_the_live_cases_cover_gaps_and_repeated_frames():
    results = {case["name"]: case["result"] for case in GOLDEN["live"]}
    firsts = {name: sum(each["first"] for each in found) for name, found in results.items()}
    assert firsts.pop("a silence longer than a clip") == 2
    assert set(firsts.values()) == {1}
    repeated = {
        name for name, found in results.items() if any(len(set(e["frames"])) < 2 for e in found)
    }
    assert {"slower", "a short silence"} <= repeated


@pytest.mark.parametrize("case", GOLDEN["frame"], ids=lambda case: str(case["frame"]))
def test_the_document_resizes_frames(written, case):
    frame = golden_frame(*case["frame"]).tolist()
    assert digest(written["frame_for_model"](frame, case["input"])) == case["result"]["sha256"]


@pytest.mark.parametrize(
    "case",
    [
        case
        for case in json.loads(PICTURES.read_text(encoding="utf-8"))["picture"]
        if case["rotation"] == 0 and case["width"] <= 64 and case["height"] % 2 == 0
    ],
    ids=lambda case: f"{case['width']}-{case['matrix']}-{case['full']}",
)
def test_the_document_converts_planes_to_rgb(written, case):
    width, height = case["width"], case["height"]
    luma, u, v = (plane.tolist() for plane in planes(width, height))
    pixels = [
        written["colours"](
            luma[y][x], u[y // 2][x // 2], v[y // 2][x // 2], case["matrix"], case["full"]
        )
        for y in range(height)
        for x in range(width)
    ]
    assert digest(pixels) == case["rgb"]


def test_the_document_scales_frames():
    names = {}
    code = re.search(r"^```python\n(def taps.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)[1]
    exec("from math import floor\n" + code, names)
    small = [row for row in RESIZING if max(row["frame"]) <= 250 and row["version"] == 2]
    assert len(small) >= 5
    for row in small:
        pixels = names["resize"](golden_frame(*row["frame"]).tolist(), *row["size"])
        assert digest(pixels) == row["sha256"]


def test_its_example_is_of_the_newest_version_and_of_the_schema():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert EXAMPLE["schema_version"] == SCHEMA_VERSION
    assert EXAMPLE.keys() <= schema["properties"].keys()
    for name in ("input", "sampling"):
        properties = schema["properties"][name]["properties"]
        assert EXAMPLE[name].keys() == properties.keys()
    (model,) = EXAMPLE["artefacts"]
    assert model.keys() <= schema["$defs"]["artefact"]["properties"].keys()


def test_the_document_names_every_fact():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    table = DOCUMENT[DOCUMENT.index("| Key |") : DOCUMENT.index("Inputs and outputs are")]
    for key, part in schema["properties"].items():
        if key not in ("input", "sampling", "artefacts"):
            assert f"`{key}`" in table, key
        for inner in part.get("properties", {}) if key in ("input", "sampling") else ():
            assert f"{key}.{inner}" in table, inner
    for key in schema["properties"]["sampling"]["properties"]["live"]["properties"]:
        assert f"`{key}`" in table or f"sampling.live.{key}" in table, key
    for key in schema["$defs"]["artefact"]["properties"]:
        assert f"`.{key}" in table, key


def test_the_document_lists_every_version():
    versions = DOCUMENT[DOCUMENT.index("## Versions") :]
    assert [int(row) for row in re.findall(r"^\| (\d+) \|", versions, re.MULTILINE)] == list(
        range(1, SCHEMA_VERSION + 1)
    )
