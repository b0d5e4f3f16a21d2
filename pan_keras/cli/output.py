"""What commands write to the terminal."""

import click

from pan_keras.printable import printable_lines


def echo(text: object, err: bool = False) -> None:
    """Prints text; characters that could steer the terminal are escaped.

    Args:
        text: One line or several; JSON stays JSON.
        err: Whether it goes to standard error.
    """
    click.echo(printable_lines(text), err=err)
