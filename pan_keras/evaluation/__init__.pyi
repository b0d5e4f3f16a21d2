from .ablation import Ablation, ablate
from .comparing import compare
from .comparison import Comparison
from .cross_validation import CrossValidation, Fold, cross_validate, resume_folds
from .evaluating import evaluate
from .fold_scores import FoldScore, FoldScores, evaluate_folds
from .results import Evaluation
from .tuning import Trial, Tuning, resume_tuning, tune

__all__ = [
    "Ablation",
    "Comparison",
    "CrossValidation",
    "Evaluation",
    "Fold",
    "FoldScore",
    "FoldScores",
    "Trial",
    "Tuning",
    "ablate",
    "compare",
    "cross_validate",
    "evaluate",
    "evaluate_folds",
    "resume_folds",
    "resume_tuning",
    "tune",
]
