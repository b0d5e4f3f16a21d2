"""One protocol for whatever classifies clips, and its answers: for files and for live video.

Each name is imported when it is first asked for; a bundle needs neither TensorFlow nor Keras.
"""

from typing import TYPE_CHECKING

from pan_keras.lazy import lazily

if TYPE_CHECKING:
    from pan_keras.inference.classifier import Classifier, open_classifier
    from pan_keras.inference.live import LivePrediction, predict_live
    from pan_keras.inference.prediction import Prediction, predict

__all__ = [
    "Classifier",
    "LivePrediction",
    "Prediction",
    "open_classifier",
    "predict",
    "predict_live",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Classifier": "classifier",
        "LivePrediction": "live",
        "Prediction": "prediction",
        "open_classifier": "classifier",
        "predict": "prediction",
        "predict_live": "live",
    },
)
