from .connection import Cluster, connect
from .inspecting import InspectionTasks
from .scoring import ScoringActors
from .sharding import ShardTasks
from .training import train_on_cluster

__all__ = [
    "Cluster",
    "InspectionTasks",
    "ScoringActors",
    "ShardTasks",
    "connect",
    "train_on_cluster",
]
