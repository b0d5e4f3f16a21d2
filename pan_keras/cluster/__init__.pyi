from .connection import Cluster, connect
from .inspecting import InspectionTasks
from .scoring import ScoringActors
from .sharding import ShardTasks

__all__ = [
    "Cluster",
    "InspectionTasks",
    "ScoringActors",
    "ShardTasks",
    "connect",
]
