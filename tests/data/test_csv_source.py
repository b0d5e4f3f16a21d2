"""A CSV of videos is read whole, or refused with the line."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pan_keras.data.csv_source import list_csv
from pan_keras.data.listing import refuse_repeats
from pan_keras.errors import UserError


@pytest.fixture
def write(tmp_path):
    """Writes a CSV beside two folders of empty files."""
    for name in ("left/0.mp4", "left/1.mp4", "right/0.mp4", " odd .mp4", "back\\slash.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    def write_lines(*lines):
        path = tmp_path / "list.csv"
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    return write_lines


def rows(listing):
    return [
        (path.relative_to(listing.source.parent).as_posix(), label, listing.splits.get(path))
        for path, label in listing.labels.items()
    ]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["path,label", "left/0.mp4, left"], ("left/0.mp4", "left", None)),
        (["label,path", "left, left/0.mp4 "], ("left/0.mp4", "left", None)),
        (["path,label", r"left\0.mp4,left"], ("left/0.mp4", "left", None)),
        (["path,label", r".\left\0.mp4,left"], ("left/0.mp4", "left", None)),
        (["path,label", r"back\slash.mp4,left"], (r"back\slash.mp4", "left", None)),
        (["path,label", " odd .mp4,left"], (" odd .mp4", "left", None)),
        (["Path;Label;Split", "left/0.mp4;left;Test"], ("left/0.mp4", "left", "test")),
        (["path,label,split", "left/0.mp4,left, VALIDATION "], ("left/0.mp4", "left", "val")),
        (["path,label", "missing.mp4,left"], ("missing.mp4", "left", None)),
    ],
)
def test_a_row_is_read_as_people_and_spreadsheets_write_it(lines, expected, write):
    assert rows(list_csv(write(*lines))) == [expected]


def test_a_hidden_file_that_is_listed_counts(write, tmp_path):
    (tmp_path / ".hidden.mp4").touch()
    assert len(list_csv(write("path,label", ".hidden.mp4,left")).labels) == 1


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["path,label,split", "left/0.mp4,left,dev"], "line 2: split is 'dev'; it must be"),
        (["path,label,split", "left/0.mp4,left,"], "line 2: split is ''; it must be"),
        (["path,label", "left/0.mp4,  "], "line 2: path and label must both be filled in"),
        (["path,label", 'left/0.mp4,"a', 'b"'], "line 2: the label .* contains a line break"),
        (["path,label", "left/0.mp4,\x1b[2J"], "line 2: the label .* contains the character"),
        (["path,label", r"C:\videos\0.mp4,left"], "line 2: .* is a path of a Windows computer"),
        (["path,label", "left/0.mp4,a", "./left/0.mp4,a"], "line 3: .* listed before, in line 2"),
        (["path,label"], "it lists no videos"),
        (["path,label", "x" * 5000 + ",left"], "line 2: no file can be at 'xxx"),
        (
            ["path,label", "left/0.mp4;left"],
            "line 2: .* its separator ';' is not that of the first",
        ),
        (
            ["path;label", "left/0.mp4,left"],
            "line 2: .* its separator ',' is not that of the first",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line(lines, message, write):
    with pytest.raises(UserError, match=message):
        list_csv(write(*lines))


@pytest.mark.parametrize("way", ["dots", "link", "hard link", "folder link", "missing"])
def test_one_file_on_two_lines_is_refused_with_both(way, write, tmp_path):
    first, other = "left/0.mp4", "left/../left/0.mp4"
    if way == "link":
        other = "link.mp4"
        (tmp_path / other).symlink_to(tmp_path / "left/0.mp4")
    elif way == "hard link":
        other = "hard.mp4"
        os.link(tmp_path / "left/0.mp4", tmp_path / other)
    elif way == "folder link":
        other = "links/0.mp4"
        (tmp_path / "links").symlink_to(tmp_path / "left")
    elif way == "missing":
        first, other = "gone.mp4", "left/../gone.mp4"
    listing = list_csv(write("path,label", f"{other},left", "left/1.mp4,left", f"{first},right"))
    with pytest.raises(UserError, match=r"line 4: .* is the same file as .* in line 2"):
        refuse_repeats(listing)


def test_different_files_are_no_repeats(write):
    listing = list_csv(write("path,label", "left/0.mp4,a", "left/1.mp4,a", "right/0.mp4,b"))
    refuse_repeats(listing)
    assert len(listing.labels) == 3


words = st.text("left/0.mp4 \\,;\t\"'\n\r:~é\x1b", max_size=12)


@given(st.lists(st.tuples(words, words, words), max_size=5))
def test_any_list_is_read_or_refused_in_one_sentence(tmp_path_factory, table):
    path = tmp_path_factory.getbasetemp() / "any list.csv"
    lines = ["path,label,split", *map(",".join, table)]
    path.write_bytes("\n".join(lines).encode())
    try:
        listing = list_csv(path)
        refuse_repeats(listing)
    except UserError as error:
        assert str(error).startswith(str(path))
        return
    assert set(listing.labels) == set(listing.splits) == set(listing.lines)
    assert all(label.splitlines() == [label.strip()] for label in listing.labels.values())
    assert set(listing.splits.values()) <= {"train", "val", "test"}
