"""Class names are single printable lines, and their order depends only on the names."""

import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pan_keras.data.clip import checked_label, ordered
from pan_keras.errors import UserError


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (" wave\t", "wave"),
        ("\u00a0wave\u3000", "wave"),
        ("\ufeffwave", "wave"),
        ("cafe\u0301", "caf\u00e9"),
        ("zwei  Worte", "zwei  Worte"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d🚀", "👩\u200d🚀"),
    ],
)
def test_a_label_is_stripped_and_normalised_to_composed_unicode(text, label):
    assert checked_label(text, "here") == label


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the label is empty"),
        (" \t ", "the label is empty"),
        ("left\nhand", "contains a line break"),
        ("left\n", "contains a line break"),
        ("left\rhand", "contains a line break"),
        ("left\x85hand", "contains a line break"),
        ("left\u2028hand", "contains a line break"),
        ("left\thand", r"contains the character '\\t'"),
        ("\x1b[31mleft", r"contains the character '\\x1b'"),
        ("left\u202ehand", r"contains the character '\\u202e'"),
        ("left\udce9", r"contains the character '\\udce9'"),
        ("x" * 201, "has 201 characters"),
    ],
)
def test_a_label_that_labels_txt_or_a_terminal_cannot_hold_is_refused(text, message):
    with pytest.raises(UserError, match=message) as caught:
        checked_label(text, "list.csv, line 2")
    assert str(caught.value).startswith("list.csv, line 2: ")
    assert str(caught.value).isprintable()


@given(st.text(max_size=12))
def test_accepted_labels_are_single_lines_and_unchanged(text):
    try:
        label = checked_label(text, "here")
    except UserError:
        return
    assert label.splitlines() == [label]
    assert label.encode().decode() == unicodedata.normalize("NFC", label) == label
    assert checked_label(label, "here") == label


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (["10", "9", "1"], ("1", "9", "10")),
        (["1", "01", "001"], ("001", "01", "1")),
        (["10", "9", "x"], ("10", "9", "x")),
        (["b", "B", "a", "a"], ("B", "a", "b")),
        (["9" * 150, "1"], ("1", "9" * 150)),
    ],
)
def test_whole_numbers_are_ordered_by_value_and_names_by_text(names, order):
    assert ordered(names) == order
    assert ordered(reversed(names)) == order


def test_the_order_is_the_same_in_every_process():
    code = "from pan_keras.data.clip import ordered; print(ordered(['1', '01', '001', '0001']))"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            check=True,
            capture_output=True,
            timeout=60,
        ).stdout
        for seed in ("0", "1", "2", "3")
    }
    assert len(outputs) == 1
