from .callbacks import TrainingCallback
from .configuring import is_run_of, resolve
from .session import TrainingResult, resume, train
from .trainer import Trainer

__all__ = [
    "Trainer",
    "TrainingCallback",
    "TrainingResult",
    "is_run_of",
    "resolve",
    "resume",
    "train",
]
