from .comparison_page import write_comparison
from .explanation import Explanation, explain
from .explanation_figure import write_explanation
from .motion import draw_motion
from .overlay import predict_onto
from .run_page import write_report

__all__ = [
    "Explanation",
    "draw_motion",
    "explain",
    "predict_onto",
    "write_comparison",
    "write_explanation",
    "write_report",
]
