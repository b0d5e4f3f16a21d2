"""The authors' checkpoints as Keras models and back, without PyTorch."""

from pan_keras.convert.conversion import Branch, Conversion, convert
from pan_keras.convert.self_check import check_saved
from pan_keras.convert.state_dict import read_state_dict

__all__ = ["Branch", "Conversion", "check_saved", "convert", "read_state_dict"]
