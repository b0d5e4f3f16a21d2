"""What a model is worth: measured on one part of the data, compared, taken apart.

Each name is imported when it is first asked for.
"""

from typing import TYPE_CHECKING

from pan_keras.lazy import lazily

if TYPE_CHECKING:
    from pan_keras.evaluation.ablation import Ablation, ablate
    from pan_keras.evaluation.comparing import compare
    from pan_keras.evaluation.comparison import Comparison
    from pan_keras.evaluation.evaluating import evaluate
    from pan_keras.evaluation.results import Evaluation

__all__ = ["Ablation", "Comparison", "Evaluation", "ablate", "compare", "evaluate"]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Ablation": "ablation",
        "Comparison": "comparison",
        "Evaluation": "results",
        "ablate": "ablation",
        "compare": "comparing",
        "evaluate": "evaluating",
    },
)
