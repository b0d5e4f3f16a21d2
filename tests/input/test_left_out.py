"""A clip that is left out stays out from the same position on."""

from pathlib import Path

import pytest

from pan_keras.errors import UserError
from pan_keras.input import LeftOut
from pan_keras.input.left_out import left_out_file, merge_left_out

CLIP, OTHER = Path("a.mp4"), Path("b.mp4")


def test_a_clip_is_left_out_from_its_position_on(tmp_path):
    file = tmp_path / "left_out.json"
    for left_out in (LeftOut(file), LeftOut()):
        left_out.add({CLIP: "it is empty"}, 7)
        assert [left_out.holds(CLIP, position) for position in (6, 7, 8)] == [False, True, True]
        assert not left_out.holds(OTHER, 100)
    again = LeftOut(file)
    assert again.reasons == {CLIP: "it is empty"}
    assert [again.holds(CLIP, position) for position in (6, 7)] == [False, True]


def test_the_earliest_position_is_kept(tmp_path):
    left_out = LeftOut(tmp_path / "left_out.json")
    left_out.add({CLIP: "first"}, 9)
    left_out.add({CLIP: "second", OTHER: "third"}, 12)
    left_out.add({OTHER: "fourth"}, 3)
    assert left_out.holds(CLIP, 9)
    assert left_out.holds(OTHER, 3)
    assert not left_out.holds(OTHER, 2)
    assert left_out.reasons == {CLIP: "first", OTHER: "fourth"}


def test_records_of_several_processes_are_merged_with_their_positions(tmp_path):
    first = LeftOut(left_out_file(tmp_path, 0))
    second = LeftOut(left_out_file(tmp_path, 1))
    first.add({CLIP: "it is empty"}, 7)
    second.add({CLIP: "it is gone", OTHER: "it is cut"}, 5)
    merge_left_out(tmp_path, first)
    for merged in (first, LeftOut(tmp_path / "left_out.json")):
        assert merged.reasons == {CLIP: "it is gone", OTHER: "it is cut"}
        assert [merged.holds(CLIP, position) for position in (4, 5)] == [False, True]


@pytest.mark.parametrize("content", ["", "[]", "3", '{"a": 1}', '{"a": {}}', "[" * 5000, "\xff"])
def test_a_file_that_is_not_a_list_is_refused_in_one_sentence(content, tmp_path):
    file = tmp_path / "left_out.json"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError, match=r"left_out\.json: not readable"):
        LeftOut(file)
