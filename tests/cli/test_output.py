"""Text from commands reaches the terminal escaped."""

from pathlib import Path

from click.testing import CliRunner

from pan_keras import cli
from pan_keras.cli import main

HOSTILE = "wave\x1b[2J\x9b31m\nError: all is lost"


def test_hostile_names_reach_the_terminal_escaped():
    result = CliRunner().invoke(main, ["verify", HOSTILE])
    assert result.exit_code != 0
    assert "wave\\u001b[2J\\u009b31m\\u000aError: all is lost: not a bundle" in result.output
    assert "\x1b" not in result.output


def test_every_command_prints_through_the_filter():
    for file in Path(cli.__file__).parent.glob("*.py"):
        if file.name != "output.py":
            assert "click.echo" not in file.read_text(encoding="utf-8"), file
