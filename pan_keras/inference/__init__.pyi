from .classifier import Classifier
from .live import LivePrediction, predict_live
from .opening import open_classifier
from .prediction import Prediction, predict

__all__ = [
    "Classifier",
    "LivePrediction",
    "Prediction",
    "open_classifier",
    "predict",
    "predict_live",
]
