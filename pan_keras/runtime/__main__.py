"""`python -m pan_keras.runtime BUNDLE [VIDEO...]`, for machines with only the runtime installed."""

import argparse
import sys

from pan_keras.bundle import Bundle
from pan_keras.errors import UserError
from pan_keras.printable import printable, printable_lines, printable_message
from pan_keras.runtime.recogniser import Recogniser
from pan_keras.runtime.verification import check


def main(arguments: list[str] | None = None) -> int:
    """Checks a bundle, or classifies videos with it.

    Returns:
        0 for success, 1 if a check failed, 2 for a user error.
    """
    parser = argparse.ArgumentParser(
        prog="python -m pan_keras.runtime",
        description="Run the test vectors of BUNDLE on this machine, or classify VIDEOs with it.",
    )
    parser.add_argument("bundle", metavar="BUNDLE")
    parser.add_argument("videos", metavar="VIDEO", nargs="*")
    parser.add_argument("--precision", help="float32, float16, dynamic or int8")
    parser.add_argument("--threads", type=int)
    given = parser.parse_args(arguments)
    if given.threads is not None and given.threads < 1:
        parser.error("--threads: give 1 or more")
    try:
        bundle = Bundle.open(given.bundle)
        if given.videos:
            return _recognise(bundle, given)
        findings = list(check(bundle, given.threads))
    except UserError as error:
        print(f"Error: {printable_message(error)}", file=sys.stderr)  # noqa: T201 (there is no click here)
        return 2
    for finding in findings:
        print(printable_lines(finding.to_text()))  # noqa: T201
    return int(any(finding.problems for finding in findings))


def _recognise(bundle: Bundle, given: argparse.Namespace) -> int:
    recogniser = Recogniser(bundle, given.precision, given.threads)
    for video in given.videos:
        answer = recogniser.recognise(video)
        best = f"{answer.best} {answer.probability:.1%}"
        found = best if answer.label == answer.best else f"{answer.label} ({best})"
        print(f"{printable(video)}: {printable(found)}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
