from .ablation import Ablation, ablate
from .comparing import compare
from .comparison import Comparison
from .cross_validation import CrossValidation, Fold, cross_validate, resume_folds
from .evaluating import evaluate
from .results import Evaluation
from .tuning import Trial, Tuning, resume_tuning, tune

__all__ = [
    "Ablation",
    "Comparison",
    "CrossValidation",
    "Evaluation",
    "Fold",
    "Trial",
    "Tuning",
    "ablate",
    "compare",
    "cross_validate",
    "evaluate",
    "resume_folds",
    "resume_tuning",
    "tune",
]
