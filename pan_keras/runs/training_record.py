"""The record of a training run: metrics per epoch, and the kept epoch."""

import csv
from collections.abc import Sequence
from typing import Any

# Intervals narrower than this need no warning: the epochs within them are about equally good.
WIDE = 0.1


def metrics_to_csv(rows: Sequence[dict[str, float]]) -> str:
    """Formats the content of `metrics.csv`.

    Args:
        rows: One row of metrics per epoch, all with the same keys.
    """
    lines = [",".join(rows[0])] if rows else []
    lines += [",".join(f"{value:.6g}" for value in row.values()) for row in rows]
    return "\n".join(lines) + "\n"


def metrics_from_csv(text: str) -> list[dict[str, float]]:
    """Reads the output of `metrics_to_csv`.

    Raises:
        ValueError: If it is damaged.
    """
    rows = csv.DictReader(text.splitlines())
    try:
        if "epoch" not in (rows.fieldnames or ("epoch",)):
            raise ValueError("no column epoch")
        return [{key: float(value) for key, value in row.items()} for row in rows]
    except (TypeError, csv.Error) as error:
        raise ValueError(str(error)) from None


def kept_text(record: dict[str, Any]) -> str:
    """Describes which epoch was kept and why, as a sentence.

    Args:
        record: The content of `kept.json`.
    """
    text = f"kept: epoch {record['epoch']} of {record['epochs']}, {record['why']}"
    if "interval" in record:
        low, high = record["interval"]
        text += (
            f"; validation accuracy {record['val_accuracy']:.3f} "
            f"(95 % interval {low:.3f} to {high:.3f}, {record['val_clips']} clips)"
        )
    return text


def kept_doubt(record: dict[str, Any]) -> str | None:
    """Returns a warning if there are too few validation clips to choose an epoch, else None.

    Args:
        record: The content of `kept.json`.
    """
    if record["rule"] == "last" or record["alike"] < 2:
        return None
    low, high = record["interval"]
    if high - low < WIDE:
        return None
    return (
        f"{record['val_clips']} validation clips cannot choose between the epochs: "
        f"{record['alike']} of {record['epochs']} have an accuracy within the interval of the "
        "kept one, or above it; hold out more clips to choose by accuracy"
    )
