"""`pan-keras settings` lists the settings of training."""

import json

from click.testing import CliRunner

from pan_keras.cli import main


def ask(*arguments):
    return CliRunner().invoke(main, ["settings", *arguments])


def test_lists_every_setting_in_two_lines():
    lines = ask().output.splitlines()
    assert len(lines) == 2 * sum(not line.startswith(" ") for line in lines)
    assert any(line.startswith("training.epochs = 50") for line in lines)


def test_prints_a_list_for_programs():
    (setting,) = json.loads(ask("training.mixup", "--json").output)
    assert setting["bounds"] == "at least 0 and at most 1000"


def test_an_unknown_key_is_a_user_error():
    result = ask("training.epoch")
    assert result.exit_code == 2
    assert result.output.strip().endswith("did you mean training.epochs?")
