from . import (
    backbones,
    bundle,
    clips,
    config,
    data,
    deploy,
    evaluation,
    flow,
    inference,
    input,
    layers,
    models,
    reports,
    runs,
    runtime,
    training,
    video,
)
from .api import evaluate, export, load, predict, resume, train
from .config import Config
from .data import open_data
from .errors import UserError
from .input import ClipBatches
from .runs import Run, open_run

__version__: str

__all__ = [
    "ClipBatches",
    "Config",
    "Run",
    "UserError",
    "backbones",
    "bundle",
    "clips",
    "config",
    "data",
    "deploy",
    "evaluate",
    "evaluation",
    "export",
    "flow",
    "inference",
    "input",
    "layers",
    "load",
    "models",
    "open_data",
    "open_run",
    "predict",
    "reports",
    "resume",
    "runs",
    "runtime",
    "train",
    "training",
    "video",
]
