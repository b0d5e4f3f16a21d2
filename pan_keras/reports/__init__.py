"""Pages and pictures for people: reports, explanations, overlays, motion.

Each name is imported when it is first asked for.
"""

from typing import TYPE_CHECKING

from pan_keras.lazy import lazily

if TYPE_CHECKING:
    from pan_keras.reports.comparison_page import write_comparison
    from pan_keras.reports.explanation import Explanation, explain
    from pan_keras.reports.explanation_figure import write_explanation
    from pan_keras.reports.motion import draw_motion
    from pan_keras.reports.overlay import predict_onto
    from pan_keras.reports.run_page import write_report

__all__ = [
    "Explanation",
    "draw_motion",
    "explain",
    "predict_onto",
    "write_comparison",
    "write_explanation",
    "write_report",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Explanation": "explanation",
        "draw_motion": "motion",
        "explain": "explanation",
        "predict_onto": "overlay",
        "write_comparison": "comparison_page",
        "write_explanation": "explanation_figure",
        "write_report": "run_page",
    },
)
