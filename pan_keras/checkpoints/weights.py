"""Maps each weight of a network to its key and layout in the authors' checkpoints."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from pan_keras.backbones import Backbone
from pan_keras.errors import CheckpointError
from pan_keras.layers import PersistenceOfAppearance, TemporalShift
from pan_keras.models import VideoNetwork

BACKBONE = "base_model."
MOTION = "PA.shallow_conv"
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
# (out, in, depth, height, width) and (depth, height, width, in, out).
VOLUME = Layout((2, 3, 4, 1, 0), (4, 3, 0, 1, 2))
# (channels, 1, height, width) and (height, width, channels, 1).
DEPTHWISE = Layout((2, 3, 0, 1), (2, 3, 0, 1))
KERNELS = (
    (keras.layers.DepthwiseConv2D, DEPTHWISE),
    (keras.layers.Conv2D, KERNEL),
    (keras.layers.Conv3D, VOLUME),
)


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
    """Those of PA; none where the network has none.

    The authors' code has one convolution, `PA.shallow_conv`. Deeper ones have the names of a
    `Sequential` there, with a ReLU between: `PA.shallow_conv.0`, `PA.shallow_conv.2`.
    """
    weights = []
    for layer in network.layers:
        if isinstance(layer, PersistenceOfAppearance):
            for index, (kernel, bias) in enumerate(layer.convolutions):
                place = MOTION if layer.depth == 1 else f"{MOTION}.{2 * index}"
                weights.append(Weight(f"{place}.weight", kernel, KERNEL))
                weights.append(Weight(f"{place}.bias", bias, VECTOR))
    return weights


def backbone_weights(network: VideoNetwork) -> list[Weight]:
    """Those of the backbone, under the names that it declares."""
    layers = network.backbone.layers
    key, shifted = declared(network.backbone).torch_key, _shifted(layers)
    return [
        Weight(
            f"{BACKBONE}{key(layer.name)}{SHIFTED if layer.name in shifted else ''}.{name}",
            variable,
            layout,
        )
        for layer in layers
        for name, variable, layout in _parts(layer)
    ]


def declared(backbone: keras.Model) -> type[Backbone]:
    """The class that says how a backbone's weights are named: its own, where it is a `Backbone`."""
    return type(backbone) if isinstance(backbone, Backbone) else Backbone


def _shifted(layers: Sequence[keras.layers.Layer]) -> set[str]:
    """Names of the layers right behind a temporal shift, which the authors' code wraps."""
    moved, names = set(), set()
    for layer in layers[1:]:
        if isinstance(layer, TemporalShift):
            moved.add(id(layer.output))
        elif id(layer.input) in moved:
            if isinstance(layer, keras.layers.ZeroPadding2D):
                moved.add(id(layer.output))
            names.add(layer.name)
    return names


def _parts(layer: keras.layers.Layer) -> Iterator[tuple[str, keras.Variable, Layout]]:
    if isinstance(layer, keras.layers.BatchNormalization):
        yield "weight", layer.gamma, VECTOR
        yield "bias", layer.beta, VECTOR
        yield "running_mean", layer.moving_mean, VECTOR
        yield "running_var", layer.moving_variance, VECTOR
        return
    for kind, layout in KERNELS:
        if isinstance(layer, kind):
            yield "weight", layer.kernel, layout
            if layer.use_bias:
                yield "bias", layer.bias, VECTOR
            return
    if layer.weights:
        raise CheckpointError(f"the layer {layer.name} of the backbone has no name in PyTorch")


def _head_weights(network: VideoNetwork) -> list[Weight]:
    aggregation = network.options["aggregation"]
    classifier = network.get_layer("logits")
    place = "new_fc"
    weights = []
    if aggregation == "vap":
        # Both take the place of the classifier that torchvision's network ends in.
        last = declared(network.backbone).classifier
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
