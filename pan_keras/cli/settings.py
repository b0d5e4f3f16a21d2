"""`pan-keras settings`: the command line of `pan_keras.config.reference.settings`."""

import json

import click

from pan_keras.cli.options import json_option_for
from pan_keras.cli.output import echo


@click.command()
@click.argument("key", required=False)
@json_option_for("one JSON list")
def settings(key: str | None, as_json: bool):
    """List the settings of training with their defaults, meanings and allowed values.

    KEY is a setting such as training.epochs, its last part, or a section such as augmentation;
    without it, all are listed. Set one by `--set KEY=VALUE` or in a TOML file.
    """
    from pan_keras.config import reference

    found = reference.settings(key)
    if as_json:
        echo(json.dumps([each.to_json() for each in found], indent=1))
        return
    echo("\n".join(each.to_text() for each in found))
