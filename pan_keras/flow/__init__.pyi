from .flow_method import FlowMethod
from .optical_flow import METHODS, OpticalFlow

__all__ = ["METHODS", "FlowMethod", "OpticalFlow"]
