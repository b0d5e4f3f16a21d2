from .callbacks import TrainingCallback
from .choosing import Choice, choose_settings
from .cluster_task import refuse_cluster
from .configuring import is_run_of, resolve, shared_length
from .session import TrainingResult, resume, train
from .trainer import Trainer

__all__ = [
    "Choice",
    "Trainer",
    "TrainingCallback",
    "TrainingResult",
    "choose_settings",
    "is_run_of",
    "refuse_cluster",
    "resolve",
    "resume",
    "shared_length",
    "train",
]
