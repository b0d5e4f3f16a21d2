from .callbacks import TrainingCallback
from .configuring import resolve
from .session import TrainingResult, resume, train
from .trainer import Trainer

__all__ = ["Trainer", "TrainingCallback", "TrainingResult", "resolve", "resume", "train"]
