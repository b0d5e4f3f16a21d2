"""`pan-keras verify`: the command line of `pan_keras.runtime.verify`."""

import json
import sys
from pathlib import Path

import click

from pan_keras.cli.options import COUNT, json_option
from pan_keras.cli.output import echo
from pan_keras.errors import UserError
from pan_keras.printable import printable_message
from pan_keras.remote.addresses import displayed


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--threads", type=COUNT, help="Threads per call; all cores by default.")
@json_option
def verify(bundle: Path, threads: int | None, as_json: bool):
    """Check that BUNDLE is complete and reproduces its test vectors on this machine.

    The exit code is 0 if everything matches, 1 if anything differs, and 2 if BUNDLE cannot be read.
    """
    from pan_keras.runtime import verify as look

    findings, refused = [], None
    try:
        for finding in look(bundle, threads):
            findings.append(finding)
            if not as_json:
                echo(finding.to_text())
    except UserError as error:
        refused = str(error)
        if not as_json:
            echo(f"Error: {printable_message(error)}", err=True)
    good = refused is None and not any(finding.problems for finding in findings)
    if as_json:
        record = {
            "bundle": displayed(bundle),
            "good": good,
            "refused": refused,
            "findings": [vars(finding) for finding in findings],
        }
        echo(json.dumps(record))
    elif good:
        echo(f"{displayed(bundle)}: good")
    if not good:
        sys.exit(1 if refused is None else 2)
