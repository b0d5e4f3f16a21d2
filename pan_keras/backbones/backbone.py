"""The base class of backbones: their declarations and serialisation."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import keras
import numpy as np

from pan_keras.backbones.configured_model import ConfiguredModel
from pan_keras.backbones.input_normalisation import IMAGENET, InputNormalisation

Shapes = Mapping[str, tuple[int, ...]]


class Backbone(ConfiguredModel):
    """A network from maps to one feature vector per row or clip, rebuilt from its configuration.

    A subclass builds the graph and declares what the rest of the package needs: models read
    `layout` and `normalisation`, conversion of PyTorch checkpoints reads the names of weights. No
    other file knows the network.

    Args:
        maps: Symbolic input.
        features: Symbolic output.
        configuration: The subclass's own arguments, including `segments`.
        policy: Dtype policy of the layers.

    Attributes:
        layout: `"frames"`: maps `(B * N, H, W, C)` to features `(B * N, d)`, which the network
            aggregates over time. `"clip"`: `(B, N, H, W, C)` to the video feature `(B, d)`, such as
            a 3D convolutional network.
        normalisation: Scaling of RGB bytes for the backbone and for PA.
        stem: Name of the first convolution, which is inflated when weights trained on RGB are
            loaded for other channels.
        classifier: PyTorch name of the image network's final linear layer, which the authors'
            checkpoints replace by VAP and their own classifier.

    Input shape:
        `(B * N, H, W, channels)`, or `(B, N, H, W, channels)` where `layout` is `"clip"`.

    Output shape:
        `(B * N, d)`, or `(B, d)`.

    Example:
        >>> import pan_keras
        >>> backbone = pan_keras.backbones.create("resnet18", channels=6, segments=8)
        >>> backbone.layout, backbone.output_shape
        ('frames', (None, 512))
        >>> backbone.torch_key("layer1_0_conv1"), backbone.recognise({})
        ('layer1.0.conv1', None)
        >>> backbone.from_timm({"fc.bias": np.zeros(10)})["fc.bias"].shape
        (10,)
    """

    layout: ClassVar[Literal["frames", "clip"]] = "frames"
    normalisation: ClassVar[InputNormalisation] = IMAGENET
    stem: ClassVar[str] = "conv1"
    classifier: ClassVar[str] = "fc"

    def __init__(
        self,
        maps: keras.KerasTensor,
        features: keras.KerasTensor,
        configuration: dict[str, Any],
        policy: keras.DTypePolicy,
        **kwargs: Any,
    ):
        super().__init__(maps, features, configuration, policy, **kwargs)
        self.segments = configuration["segments"]

    @staticmethod
    def torch_key(layer: str) -> str:
        """Returns the name of a layer in torchvision, or in its original PyTorch code.

        Args:
            layer: Name of the layer; by default, PyTorch's name with underscores.

        Returns:
            Its key prefix, such as `"layer1.0.conv1"`.
        """
        return layer.replace("_", ".")

    @classmethod
    def recognise(cls, shapes: Shapes) -> dict[str, Any] | None:
        """Tells whether a state_dict belongs to this class, and with which arguments.

        Args:
            shapes: Shapes by key, under torchvision's names.

        Returns:
            The constructor's arguments except `channels`, `segments` and `causal`; None for keys
            of another network, and for a class that does not override this method.

        Raises:
            ValueError: If the keys belong to this network but a tensor is missing or has the wrong
                shape; the message is a clause that says which.
        """
        del shapes
        return None

    @classmethod
    def from_timm(cls, state: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Renames the arrays of a timm state_dict to torchvision's names.

        Args:
            state: A state_dict of timm or torchvision; a class that does not override this method
                uses the same names as timm.

        Returns:
            The same arrays by torchvision's keys.
        """
        return state


def shape_of(shapes: Shapes, key: str, axes: int) -> tuple[int, ...]:
    """Returns the shape of a required tensor.

    Args:
        shapes: Shapes by key.
        key: Key of the tensor.
        axes: Number of axes that it must have.

    Returns:
        The shape.

    Raises:
        ValueError: If the tensor is missing or has another number of axes.

    Example:
        >>> shape_of({"fc.weight": (10, 512)}, "fc.weight", axes=2)
        (10, 512)
    """
    if key not in shapes:
        raise ValueError(f"it lacks {key}")
    if len(shapes[key]) != axes:
        raise ValueError(f"{key} has {len(shapes[key])} axes instead of {axes}")
    return tuple(shapes[key])
