"""PA of arbitrary frames, with a network's filters or a fixed filter bank."""

from collections.abc import Mapping

import keras
import numpy as np

from pan_keras.backbones.input_normalisation import IMAGENET, InputNormalisation
from pan_keras.layers import PersistenceOfAppearance
from pan_keras.models import VideoNetwork

SCALES = (0.8, 1.6)  # pixels
DIRECTIONS = 4
FIXED = (
    "eight fixed filters: Gaussian derivatives of grey in four directions at "
    f"{SCALES[0]} and {SCALES[1]} pixels"
)


class MotionCue:
    """The layer PA, applied to whole frames.

    A network learns the filters of PA. Without a network, PA uses a fixed bank of eight Gaussian
    derivatives, as many filters as the paper's layer has. PA then measures the edge strength of
    the difference of two frames at two scales, and ignores uniform changes of brightness.

    Args:
        layer: A built layer; the fixed bank by default.
        filters: Describes the filters, as part of a sentence.
        normalisation: Normalisation of the frames that the layer takes.

    Example:
        >>> MotionCue()(frames).shape  # 16 frames of 240 x 320 pixels
        (15, 240, 320)

    References:
        PAN paper, Sec. III (Eq. 4, 5) and Fig. 7.
    """

    def __init__(
        self,
        layer: PersistenceOfAppearance | None = None,
        filters: str = FIXED,
        normalisation: InputNormalisation = IMAGENET,
    ):
        self.layer = layer or fixed_layer()
        self.filters = filters
        self.normalisation = normalisation

    @classmethod
    def of_networks(cls, networks: Mapping[str, VideoNetwork], filters: str) -> "MotionCue | None":
        """PA with the filters of the first network that has a PA layer; None if none has.

        Args:
            networks: The networks of a model, as `pan_keras.models.networks` finds them.
            filters: Describes the filters, as part of a sentence.
        """
        for network in networks.values():
            found = [
                layer for layer in network.layers if isinstance(layer, PersistenceOfAppearance)
            ]
            if found:
                return cls(found[0], filters, network.normalisation)
        return None

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """PA of each pair of adjacent frames.

        Args:
            frames: uint8 `(..., n, H, W, 3)`, n >= 2.

        Returns:
            float32 `(..., n - 1, H, W)`.
        """
        *leading, count, height, width, _ = frames.shape
        flat = self.normalisation.apply(frames.reshape(-1, count, height * width, 3))
        maps = self.layer(keras.ops.reshape(flat, (-1, count, height, width, 3)))
        maps = np.moveaxis(keras.ops.convert_to_numpy(maps), -1, 1).astype("float32")
        return maps.reshape(*leading, count - 1, height, width)


def fixed_layer() -> PersistenceOfAppearance:
    """A PA layer with the fixed bank; each filter has unit norm."""
    layer = PersistenceOfAppearance()
    layer.build((None, 2, None, None, 3))
    layer.set_weights([filter_bank(layer.kernel_size), np.zeros(layer.channels)])
    return layer


def filter_bank(size: int) -> np.ndarray:
    """Gaussian derivatives of grey in four directions at two scales.

    Args:
        size: Height and width of a filter.

    Returns:
        `(size, size, 3, 8)`.
    """
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    filters = []
    for scale in SCALES:
        bell = np.exp(-(x**2 + y**2) / (2 * scale**2))
        for turn in np.arange(DIRECTIONS) * np.pi / DIRECTIONS:
            derivative = (x * np.cos(turn) + y * np.sin(turn)) * bell
            filters.append(np.repeat(derivative[..., None], 3, axis=-1))
    return np.stack([each / np.linalg.norm(each) for each in filters], axis=-1)
