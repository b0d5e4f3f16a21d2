from .combining import combine
from .from_checkpoint import convert_checkpoints, export_to_torch
from .run import Run, latest_run, open_run
from .run_data import RunData, open_run_data

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
