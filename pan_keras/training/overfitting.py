"""Detects overfitting from training metrics."""

import math
from collections.abc import Sequence

from pan_keras.metrics.intervals import wilson

# Fractions of the loss at chance, log(classes).
NEAR_ZERO, FAR_FROM_ZERO = 0.05, 0.15
GOOD = 0.97


def overfitting(rows: Sequence[dict[str, float]], classes: int, clips: int) -> str | None:
    """Returns a warning if the training loss is near zero and the validation loss is not.

    Args:
        rows: One row of metrics per epoch.
        classes: Number of classes.
        clips: Validation clips.

    Returns:
        A sentence; None without overfitting or without validation clips.

    Example:
        >>> row = {"loss": 0.01, "accuracy": 1.0, "val_loss": 0.9, "val_accuracy": 0.83}
        >>> overfitting([row], classes=6, clips=12).partition(",")[0]
        'the training clips are memorised (loss 0.010)'
        >>> overfitting([{**row, "loss": 0.4}], classes=6, clips=12) is None
        True
    """
    last = rows[-1] if rows else {}
    if not clips or "val_loss" not in last:
        return None
    nothing = math.log(classes)
    by_heart = last["loss"] <= NEAR_ZERO * nothing
    if not by_heart or last["val_loss"] < FAR_FROM_ZERO * nothing or last["val_accuracy"] >= GOOD:
        return None
    low, high = wilson(last["val_accuracy"] * clips, clips)
    return (
        f"the training clips are memorised (loss {last['loss']:.3f}), but only "
        f"{last['val_accuracy']:.0%} of the {clips} validation clips are classified correctly "
        f"({low:.0%} to {high:.0%}); train with --preset balanced, which augments clips more, or "
        "add clips of other people and places"
    )
