"""`pan-keras models` passes its options on and prints text or JSON."""

import json

import pytest
from click.testing import CliRunner

from pan_keras.cli import main


def run(*arguments):
    return CliRunner().invoke(main, ["models", *arguments])


def test_json_is_a_list_of_the_models():
    result = run("pan_lite_micro", "--cost", "--json", "--size", "32", "--classes", "5")
    (row,) = json.loads(result.output)
    assert row["name"] == "pan_lite_micro"
    assert row["input"] == [8, 4, 32, 32, 3]
    assert row["parameters"] > 0
    assert row["macs"] > row["needed_macs"]


def test_text_has_a_line_per_model():
    result = run("ts?_micro", "--segments", "4", "--stack", "1")
    head, *lines = result.output.splitlines()
    assert head.startswith("name")
    assert [line.split()[0] for line in lines] == ["tsm_micro", "tsn_micro"]
    assert all(line.endswith("4x1x224x224x3") for line in lines)


@pytest.mark.parametrize("other", [("tsn_micro",), ("--cost",), ("--size", "256")])
def test_the_papers_table_refuses_options(other):
    result = run("--paper", *other)
    assert result.exit_code == 2
    assert "remove" in result.output


def test_an_unknown_pattern_is_a_user_error():
    result = run("nothing*")
    assert result.exit_code == 2
    assert "no such model" in result.output
