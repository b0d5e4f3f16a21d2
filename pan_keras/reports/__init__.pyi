from .comparison_page import write_comparison
from .explanation import Explanation, explain
from .explanation_figure import write_explanation
from .motion import draw_motion
from .overlay import predict_onto
from .run_page import write_report
from .training_pictures import TrainingPictures

__all__ = [
    "Explanation",
    "TrainingPictures",
    "draw_motion",
    "explain",
    "predict_onto",
    "write_comparison",
    "write_explanation",
    "write_report",
]
