"""CSV files are read as spreadsheets export them, or refused with the reason."""

import csv
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pan_keras.data.csv_source import list_csv, read_table
from pan_keras.data.listing import refuse_repeats
from pan_keras.errors import UserError

ROWS = ((2, {"path": "a.mp4", "label": "wave"}), (3, {"path": "b é.mp4", "label": "clap"}))
PLAIN = "path,label\na.mp4,wave\nb é.mp4,clap\n"


def read(tmp_path, content, required=("path", "label")):
    path = tmp_path / "list.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path, required)


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.removesuffix("\n"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        PLAIN.encode("utf-8-sig"),
        PLAIN.replace(",", "\t").encode("utf-16"),
        b"\xfe\xff" + PLAIN.encode("utf-16-be"),
        PLAIN.encode("utf-32"),
        PLAIN.replace("path,label", " Path , LABEL "),
        PLAIN.replace("path,label", '"path","label"'),
        PLAIN + ",,\n,\n\n  ,  \n",
        PLAIN.replace("wave", "wave,").replace("clap", "clap,,"),
        PLAIN.replace("path,label", "path,label,,"),
        PLAIN.replace("a.mp4", '"a.mp4"'),
    ],
)
def test_files_written_by_spreadsheets_are_read(content, tmp_path):
    assert read(tmp_path, content).rows == ROWS


def test_a_separator_line_is_respected(tmp_path):
    table = read(tmp_path, "sep=:\r\npath:label\r\na,b;c.mp4:wave\r\n")
    assert table.rows == ((3, {"path": "a,b;c.mp4", "label": "wave"}),)


def test_a_value_over_several_lines_counts_from_its_first(tmp_path):
    table = read(tmp_path, 'path,label\na.mp4,"two\nlines"\n\nb.mp4,c\n')
    assert [line for line, _ in table.rows] == [2, 5]


def test_missing_values_of_a_short_row_are_none(tmp_path):
    assert read(tmp_path, "path,label\na.mp4\n").rows == ((2, {"path": "a.mp4", "label": None}),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "'path' is missing; its first line must name the columns path and label, but is ''"),
        ("a.mp4 wave\n", "but is 'a.mp4 wave'"),
        ("path;labels\na;b", "the column 'label' is missing"),
        ("path,label,Label\na,b,c", "the column 'label' appears twice"),
        ("path,label\na,b.mp4,wave", "line 2: 3 values for 2 columns"),
        ('path,label\na,b\n"c,d', "line 3: this is not CSV"),
        ('path,label\na,"b"c', "line 2: this is not CSV"),
        ("path,label\ncafé,b".encode("cp1252"), "line 2: this is not a CSV file in UTF-8.*'é'"),
        (PLAIN.encode("utf-16-le"), "not a CSV file in UTF-8"),
        ("path,label\na,b\n".encode("utf-16-le"), "it has zero bytes"),
        (b"\xff\xfea", "not a CSV file in UTF-16"),
        ("path,label\n\0,b".encode("utf-16"), "it has zero bytes"),
        ("path,label\n" + "x" * 200_000 + ",b", "line 2: this is not CSV"),
    ],
)
def test_unreadable_files_are_refused_in_one_sentence(content, message, tmp_path):
    with pytest.raises(UserError, match=message) as caught:
        read(tmp_path, content)
    assert str(tmp_path / "list.csv") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_paths_other_than_regular_files_are_not_opened(tmp_path):
    os.mkfifo(tmp_path / "fifo.csv")
    for name in ("fifo.csv", "."):
        with pytest.raises(UserError, match="not a file"):
            read_table(tmp_path / name, ["path"])
    with pytest.raises(UserError, match="there is no such file"):
        read_table(tmp_path / "absent.csv", ["path"])


def test_a_file_too_large_for_a_list_is_not_read(tmp_path):
    with (tmp_path / "list.csv").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(UserError, match="1048576 MiB"):
        read_table(tmp_path / "list.csv", ["path"])


csv_like = st.one_of(
    st.binary(max_size=200),
    st.text('path,label;\t|"\n\r= é\0\ufeff\udc80x', max_size=80).map(
        lambda text: text.encode("utf-8", "surrogatepass")
    ),
    st.text('pathlabe,;\t|"\n\rx é', max_size=80).map(lambda text: f"path,label\n{text}".encode()),
)


@given(csv_like)
def test_any_bytes_are_read_as_a_table_or_refused_in_one_sentence(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    try:
        table = read_table(path, ("path", "label"))
    except UserError as error:
        assert "\n" not in str(error)
        return
    lines = [line for line, _ in table.rows]
    assert lines == sorted(set(lines))
    assert all(1 < line <= len(content) for line in lines)
    assert all(set(row) == set(table.columns) for _, row in table.rows)


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6)


@given(st.lists(st.tuples(cells, cells), max_size=6), st.sampled_from(",;\t|"))
def test_a_written_csv_is_read_back(tmp_path_factory, rows, delimiter):
    path = tmp_path_factory.getbasetemp() / f"written {ord(delimiter)}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows([("path", "label"), *rows])
    table = read_table(path, ("path", "label"))
    assert [tuple(row.values()) for _, row in table.rows] == [
        row for row in rows if row[0].strip() or row[1].strip()
    ]


@pytest.fixture
def write(tmp_path):
    """Writes a CSV beside folders of empty files."""
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
        (["path,label", "left/0.mp4,  "], "line 2: path or label is empty; fill in both"),
        (["path,label", 'left/0.mp4,"a', 'b"'], "line 2: the label .* contains a line break"),
        (["path,label", "left/0.mp4,\x1b[2J"], "line 2: the label .* contains the character"),
        (["path,label", r"C:\videos\0.mp4,left"], "line 2: .* is a Windows path"),
        (["path,label", "left/0.mp4,a", "./left/0.mp4,a"], "line 3: .* already listed in line 2"),
        (["path,label"], "it lists no videos"),
        (["path,label", "x" * 5000 + ",left"], "line 2: no file can have the path 'xxx"),
        (
            ["path,label", "left/0.mp4;left"],
            "line 2: .* its separator ';' differs from that of the first",
        ),
        (
            ["path;label", "left/0.mp4,left"],
            "line 2: .* its separator ',' differs from that of the first",
        ),
    ],
)
def test_an_error_is_named_with_its_line(lines, message, write):
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


def test_different_files_are_not_duplicates(write):
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
