"""A residual network of 0.2 M parameters, for small data, tests and the demo."""

from pan_keras.backbones.registry import register
from pan_keras.backbones.resnet import ResNet

# Three stages of one basic block each; d = 96.
MICRO = {
    "block": "basic",
    "blocks": (1, 1, 1),
    "widths": (24, 48, 96),
    "stem_width": 16,
    "stem_kernel": 5,
}
register("micro", arguments=MICRO)(ResNet)
