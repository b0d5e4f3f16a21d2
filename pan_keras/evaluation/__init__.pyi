from .ablation import Ablation, ablate
from .comparing import compare
from .comparison import Comparison
from .evaluating import evaluate
from .results import Evaluation

__all__ = ["Ablation", "Comparison", "Evaluation", "ablate", "compare", "evaluate"]
