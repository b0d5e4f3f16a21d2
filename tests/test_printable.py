"""Untrusted text on terminals and in documents."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pan_keras.printable import (
    in_markdown,
    is_printable,
    printable,
    printable_lines,
    printable_message,
)

STEERING = ["\x1b[2J", "\x9b31m", "\x7f", "a\rb", "a\nb", "\u202egpm.exe", "\u2028", "\udcff", "\0"]


@pytest.mark.parametrize("text", STEERING)
def test_control_characters_are_escaped(text):
    shown = printable(text)
    assert is_printable(shown)
    assert not is_printable(text)
    shown.encode("utf-8")


@pytest.mark.parametrize("text", ["wave", "Hände hoch", "手を振る", "👩‍👧 family", "नमस्ते", "a  b"])
def test_text_in_all_languages_is_unchanged(text):
    assert printable(text) == text


@given(st.text())
def test_the_result_is_one_line(text):
    assert len(printable(text).splitlines()) <= 1


@given(st.dictionaries(st.text(), st.text()))
def test_json_stays_json_with_the_same_content(content):
    text = json.dumps(content, ensure_ascii=False, indent=1)
    shown = printable_lines(text)
    assert json.loads(shown) == content
    assert "\x1b" not in shown


def test_line_breaks_of_outputs_stay():
    assert printable_lines("a\n\tb\x1b") == "a\n\tb\\u001b"


def test_a_name_with_a_line_break_cannot_forge_a_message():
    message = "a\nError: all is lost: broken:\n  one: reason"
    assert printable_message(message) == "a\\u000aError: all is lost: broken:\n  one: reason"


def test_names_are_plain_text_in_a_markdown_table():
    assert in_markdown("a|b\n<b>`x`") == "a\\|b\\\\u000a\\<b\\>\\`x\\`"
