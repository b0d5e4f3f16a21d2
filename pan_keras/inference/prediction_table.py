"""Predictions as a CSV table."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from pan_keras.files import replacing
from pan_keras.inference.prediction import Prediction
from pan_keras.remote.addresses import displayed


def write_table(file: Path | str, predictions: Sequence[Prediction], top: int = 5) -> None:
    """Writes predictions as a CSV file, one row per video.

    The columns are `path`, `answer` (the most probable class, or `unknown`), `label_1`,
    `probability_1` and so on, the most probable first, and `error`. What a video lacks is empty.

    Args:
        file: The file, replaced as a whole.
        predictions: The predictions.
        top: Labels and probabilities in a row.

    Raises:
        UserError: If the disk is full.

    Example:
        >>> found = Prediction(Path("wave.mp4"), (("wave", 0.98), ("clap", 0.02)))
        >>> write_table("answers.csv", [found], top=2)
        >>> print(Path("answers.csv").read_text().splitlines()[1])
        wave.mp4,wave,wave,0.980000,clap,0.020000,
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    most = max([len(each.predictions) for each in predictions], default=top)
    pairs = range(1, min(top, most or top) + 1)
    ranked = [name for place in pairs for name in (f"label_{place}", f"probability_{place}")]
    table.writerow(["path", "answer", *ranked, "error"])
    for each in predictions:
        cells = [
            cell
            for label, share in each.predictions[: len(pairs)]
            for cell in (label, f"{share:.6f}")
        ]
        padding = [""] * (len(ranked) - len(cells))
        table.writerow([displayed(each.path), each.label or "", *cells, *padding, each.error or ""])
    with replacing(file) as temporary:
        # Names of files need not be UTF-8.
        temporary.write_bytes(text.getvalue().encode("utf-8", "surrogateescape"))
