"""Training: the loop, its optimisation, checkpoints and exact resume."""

from typing import TYPE_CHECKING

from pan_keras.lazy import lazily

if TYPE_CHECKING:
    from pan_keras.training.callbacks import TrainingCallback
    from pan_keras.training.configuring import resolve
    from pan_keras.training.session import TrainingResult, resume, train
    from pan_keras.training.trainer import Trainer

__all__ = ["Trainer", "TrainingCallback", "TrainingResult", "resolve", "resume", "train"]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Trainer": "trainer",
        "TrainingCallback": "callbacks",
        "TrainingResult": "session",
        "resolve": "configuring",
        "resume": "session",
        "train": "session",
    },
)
