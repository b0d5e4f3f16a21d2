"""Run folders: configuration, data identity and split, model, metrics and versions."""

from typing import TYPE_CHECKING

from pan_keras.lazy import lazily

if TYPE_CHECKING:
    from pan_keras.runs.combining import combine
    from pan_keras.runs.from_checkpoint import convert_checkpoints, export_to_torch
    from pan_keras.runs.run import Run, latest_run, open_run
    from pan_keras.runs.run_data import RunData, open_run_data

__all__ = [
    "Run",
    "RunData",
    "combine",
    "convert_checkpoints",
    "export_to_torch",
    "latest_run",
    "open_run",
    "open_run_data",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Run": "run",
        "RunData": "run_data",
        "combine": "combining",
        "convert_checkpoints": "from_checkpoint",
        "export_to_torch": "from_checkpoint",
        "latest_run": "run",
        "open_run": "run",
        "open_run_data": "run_data",
    },
)
