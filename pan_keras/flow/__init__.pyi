from .flow_core import FlowCore
from .flow_estimator import FlowEstimator
from .flow_method import FlowMethod
from .flownet2 import FlowNet2
from .flownet_c import FlowNetC
from .flownet_fusion import FlowNetFusion
from .flownet_s import FlowNetS
from .flownet_sd import FlowNetSD
from .optical_flow import METHODS, OpticalFlow
from .raft_small import RAFTSmall
from .registry import create, names

__all__ = [
    "METHODS",
    "FlowCore",
    "FlowEstimator",
    "FlowMethod",
    "FlowNet2",
    "FlowNetC",
    "FlowNetFusion",
    "FlowNetS",
    "FlowNetSD",
    "OpticalFlow",
    "RAFTSmall",
    "create",
    "names",
]
