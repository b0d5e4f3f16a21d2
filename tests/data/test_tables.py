"""CSV files are read as spreadsheets write them, or refused with what was found."""

import csv
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pan_keras.data.tables import read_table
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
def test_what_spreadsheets_write_is_read(content, tmp_path):
    assert read(tmp_path, content).rows == ROWS


def test_a_line_that_names_the_separator_is_obeyed(tmp_path):
    table = read(tmp_path, "sep=:\r\npath:label\r\na,b;c.mp4:wave\r\n")
    assert table.rows == ((3, {"path": "a,b;c.mp4", "label": "wave"}),)


def test_a_value_over_several_lines_counts_from_its_first(tmp_path):
    table = read(tmp_path, 'path,label\na.mp4,"two\nlines"\n\nb.mp4,c\n')
    assert [line for line, _ in table.rows] == [2, 5]


def test_a_value_that_a_short_row_lacks_is_none(tmp_path):
    assert read(tmp_path, "path,label\na.mp4\n").rows == ((2, {"path": "a.mp4", "label": None}),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "'path' is missing; its first line must name the columns path and label, but is ''"),
        ("a.mp4 wave\n", "but is 'a.mp4 wave'"),
        ("path;labels\na;b", "the column 'label' is missing"),
        ("path,label,Label\na,b,c", "the column 'label' comes twice"),
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
def test_what_cannot_be_read_is_told_in_one_sentence(content, message, tmp_path):
    with pytest.raises(UserError, match=message) as caught:
        read(tmp_path, content)
    assert str(tmp_path / "list.csv") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "fifo.csv")
    for name in ("fifo.csv", "."):
        with pytest.raises(UserError, match="this is no file"):
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
def test_any_bytes_are_a_table_or_one_sentence(tmp_path_factory, content):
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
def test_what_a_csv_writer_writes_is_read_back(tmp_path_factory, rows, delimiter):
    path = tmp_path_factory.getbasetemp() / f"written {ord(delimiter)}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows([("path", "label"), *rows])
    table = read_table(path, ("path", "label"))
    assert [tuple(row.values()) for _, row in table.rows] == [
        row for row in rows if row[0].strip() or row[1].strip()
    ]
