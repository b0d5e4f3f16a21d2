"""Where each weight of a network stands in a checkpoint of the authors, and in which layout."""

from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np

from pan_keras.checkpoints.checkpoint_error import CheckpointError
from pan_keras.layers import PersistenceOfAppearance, TemporalShift
from pan_keras.models import VideoNetwork

BACKBONE = "base_model."
SHIFTED = ".net"
COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class Layout:
    """How the axes of a weight are ordered in Keras and in PyTorch.

    Args:
        to_keras: Axes of PyTorch in the order of Keras.
        to_torch: Axes of Keras in the order of PyTorch.
    """

    to_keras: tuple[int, ...]
    to_torch: tuple[int, ...]


VECTOR = Layout((0,), (0,))
MATRIX = Layout((1, 0), (1, 0))
# (out, in, height, width) and (height, width, in, out).
KERNEL = Layout((2, 3, 1, 0), (3, 2, 0, 1))
# (channels, 1, height, width) and (height, width, channels, 1).
DEPTHWISE = Layout((2, 3, 0, 1), (2, 3, 0, 1))


@dataclass(frozen=True)
class Weight:
    """A weight of a network, and its place in a checkpoint.

    Args:
        key: Its name in the checkpoint.
        variable: Where it is in the network.
        layout: What its axes are there and here.
    """

    key: str
    variable: keras.Variable
    layout: Layout

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape in the checkpoint."""
        return tuple(self.variable.shape[axis] for axis in self.layout.to_torch)

    def fill(self, array: np.ndarray) -> None:
        """Sets the weight to an array of a checkpoint."""
        self.variable.assign(self.as_keras(array))

    def as_keras(self, array: np.ndarray) -> np.ndarray:
        """An array of a checkpoint as it stands in the network: float32, with Keras' axes."""
        return np.ascontiguousarray(array.transpose(self.layout.to_keras), dtype="float32")

    def as_torch(self) -> np.ndarray:
        """The weight as it stands in a checkpoint."""
        value = np.asarray(keras.ops.convert_to_numpy(self.variable))
        return np.ascontiguousarray(value.transpose(self.layout.to_torch), dtype="<f4")


def named_weights(network: VideoNetwork) -> list[Weight]:
    """All weights of a network under the names that the authors' code gives them.

    Args:
        network: PAN_Lite, or the PA or RGB branch by itself, on a backbone of torchvision's names.

    Raises:
        CheckpointError: If a layer has no name there.

    Example:
        >>> [weight.key for weight in named_weights(network)][-1]
        'base_model.fc.pred.bias'
    """
    return [*motion_weights(network), *backbone_weights(network), *_head_weights(network)]


def motion_weights(network: VideoNetwork) -> list[Weight]:
    """Those of PA; none where the network has none."""
    return [
        Weight(f"PA.shallow_conv.{name}", variable, layout)
        for layer in network.layers
        if isinstance(layer, PersistenceOfAppearance)
        for variable, name, layout in zip(
            layer.weights, ("weight", "bias"), (KERNEL, VECTOR), strict=True
        )
    ]


def backbone_weights(network: VideoNetwork) -> list[Weight]:
    """Those of the backbone."""
    layers = network.backbone.layers
    shifts = {layer.name for layer in layers if isinstance(layer, TemporalShift)}
    shifted = {
        name.removesuffix("_shift") + first for name in shifts for first in ("_conv1", "_conv_0_0")
    }
    return [
        Weight(f"{_backbone_key(layer.name, layer.name in shifted)}.{name}", variable, layout)
        for layer in layers
        for name, variable, layout in _parts(layer)
    ]


def _backbone_key(layer: str, shifted: bool) -> str:
    name = layer.replace("downsample_conv", "downsample.0").replace("downsample_bn", "downsample.1")
    return BACKBONE + name.replace("_", ".") + (SHIFTED if shifted else "")


def _parts(layer: keras.layers.Layer) -> Iterator[tuple[str, keras.Variable, Layout]]:
    if isinstance(layer, keras.layers.BatchNormalization):
        yield "weight", layer.gamma, VECTOR
        yield "bias", layer.beta, VECTOR
        yield "running_mean", layer.moving_mean, VECTOR
        yield "running_var", layer.moving_variance, VECTOR
    elif isinstance(layer, keras.layers.DepthwiseConv2D):
        yield "weight", layer.kernel, DEPTHWISE
    elif isinstance(layer, keras.layers.Conv2D) and not layer.use_bias:
        yield "weight", layer.kernel, KERNEL
    elif layer.weights:
        raise CheckpointError(f"the layer {layer.name} of the backbone has no name in PyTorch")


def _head_weights(network: VideoNetwork) -> list[Weight]:
    aggregation = network.options["aggregation"]
    classifier = network.get_layer("logits")
    place = "new_fc"
    weights = []
    if aggregation == "vap":
        # Both take the place of the classifier that torchvision's network ends in.
        last = "classifier" if network.backbone.name == "mobilenetv2" else "fc"
        vap, place = network.get_layer("vap"), f"{BACKBONE}{last}.pred"
        weights = [
            Weight(f"{BACKBONE}{last}.TES.0.weight", vap.w1, MATRIX),
            Weight(f"{BACKBONE}{last}.TES.2.weight", vap.w2, MATRIX),
        ]
    return [
        *weights,
        Weight(f"{place}.weight", classifier.kernel, MATRIX),
        Weight(f"{place}.bias", classifier.bias, VECTOR),
    ]
