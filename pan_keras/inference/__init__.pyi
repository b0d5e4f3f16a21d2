from .calibrating import Calibrated, calibrate
from .classifier import Classifier
from .live import LivePrediction, predict_live
from .opening import open_classifier
from .prediction import Prediction, predict

__all__ = [
    "Calibrated",
    "Classifier",
    "LivePrediction",
    "Prediction",
    "calibrate",
    "open_classifier",
    "predict",
    "predict_live",
]
