"""A residual network of 0.2 M parameters, for small data, tests and the demo."""

from pan_keras.backbones.registry import register
from pan_keras.backbones.resnet import ResNet


@register("micro")
def micro(**kwargs):
    """Three stages of one basic block each, with 24, 48 and 96 channels; d = 96."""
    return ResNet(
        blocks=(1, 1, 1),
        widths=(24, 48, 96),
        stem_width=16,
        stem_kernel=5,
        **{"name": "micro", **kwargs},
    )
