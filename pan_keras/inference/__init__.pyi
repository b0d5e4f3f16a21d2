from .classifier import Classifier, open_classifier
from .live import LivePrediction, predict_live
from .prediction import Prediction, predict

__all__ = [
    "Classifier",
    "LivePrediction",
    "Prediction",
    "open_classifier",
    "predict",
    "predict_live",
]
