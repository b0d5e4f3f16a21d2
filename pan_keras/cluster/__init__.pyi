from .connection import Cluster, connect
from .inspecting import InspectionTasks
from .sharding import ShardTasks

__all__ = [
    "Cluster",
    "InspectionTasks",
    "ShardTasks",
    "connect",
]
