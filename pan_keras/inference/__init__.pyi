from .calibrating import Calibrated, calibrate
from .classifier import Classifier
from .live import LivePrediction, predict_live
from .opening import open_classifier
from .prediction import Prediction, predict
from .prediction_table import write_table
from .timelines import Timeline, timeline

__all__ = [
    "Calibrated",
    "Classifier",
    "LivePrediction",
    "Prediction",
    "Timeline",
    "calibrate",
    "open_classifier",
    "predict",
    "predict_live",
    "timeline",
    "write_table",
]
