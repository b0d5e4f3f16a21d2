"""The command `pan-keras`; also `python -m pan_keras`."""

import sys

from pan_keras.installation import missing_part


def main() -> None:
    """Runs the command line, or prints what to install if its dependencies are missing."""
    try:
        from pan_keras.cli import main as command  # noqa: PLC0415
    except ModuleNotFoundError as error:
        sentence = missing_part(error)
        if sentence is None:
            raise
        print(f"Error: {sentence}", file=sys.stderr)  # noqa: T201 (click may be what is missing)
        sys.exit(2)
    command(prog_name="pan-keras")


if __name__ == "__main__":
    main()
