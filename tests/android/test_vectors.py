"""The test cases of the Android app equal the package's results."""

import json

from android_cases import GOLDEN, cases


def test_the_cases_of_the_app_are_those_that_the_package_computes():
    written = json.loads(GOLDEN.read_text(encoding="utf-8"))
    computed = json.loads(json.dumps(cases()))
    assert computed == written


def test_the_cases_hold_every_matrix_range_rotation_fit_and_version():
    pictures = json.loads(GOLDEN.read_text(encoding="utf-8"))["picture"]
    seen = {key: {case[key] for case in pictures} for key in ("matrix", "full", "rotation")}
    assert seen == {
        "matrix": {"BT601", "BT709", "BT2020"},
        "full": {False, True},
        "rotation": {0, 90, 180, 270},
    }
    given = {key: {case["input"][key] for case in pictures} for key in ("fit", "resizing")}
    assert given == {"fit": {"crop", "letterbox", "squash"}, "resizing": {1, 2}}
    assert {case["rotation"] for case in pictures if case["mirrored"]} == {0, 90, 180, 270}
    assert len({case["rgb"] for case in pictures}) >= len(pictures) - 2
