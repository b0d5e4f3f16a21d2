"""Input normalisation: scaling of RGB bytes for a backbone and for PA."""

from dataclasses import dataclass
from typing import Any

import keras
from keras import ops


@dataclass(frozen=True)
class InputNormalisation:
    """The preprocessing that a backbone was designed or pretrained with.

    A byte `x` of a channel becomes `(x / 255 * scale - mean) / deviation`. Normalisation is part of
    every network, so that training, TFLite, ONNX and the phone all take the same bytes.

    Args:
        mean: Mean per channel in RGB order, in units of `scale`; for a motion field, of its
            horizontal and vertical component.
        deviation: Standard deviation per channel in the same order, in units of `scale`.
        scale: Value to which the byte 255 is scaled first: 1 for torchvision, 255 for Caffe.
        channel_order: `"rgb"`, or `"bgr"` for a backbone that takes blue first. PA is computed on
            frames in this order too.

    Raises:
        ValueError: If `channel_order` is neither.

    Example:
        >>> caffe = InputNormalisation((123.0, 117.0, 104.0), (1.0, 1.0, 1.0), 255.0, "bgr")
        >>> caffe.multiplier, caffe.offset
        ((1.0, 1.0, 1.0), (-123.0, -117.0, -104.0))
        >>> keras.ops.convert_to_numpy(caffe.apply(np.array([[124, 117, 104]], "uint8"))).tolist()
        [[0.0, 0.0, 1.0]]
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    scale: float = 1.0
    channel_order: str = "rgb"

    def __post_init__(self) -> None:
        if self.channel_order not in ("rgb", "bgr"):
            raise ValueError(f"channel_order must be 'rgb' or 'bgr', got {self.channel_order!r}")

    @property
    def multiplier(self) -> tuple[float, ...]:
        """Factor of a byte, per channel in RGB order."""
        return tuple(self.scale / (255 * deviation) for deviation in self.deviation)

    @property
    def offset(self) -> tuple[float, ...]:
        """Offset added after the factor, per channel in RGB order."""
        return tuple(
            -mean / deviation for mean, deviation in zip(self.mean, self.deviation, strict=True)
        )

    @property
    def is_reversed(self) -> bool:
        """Whether the backbone takes blue first."""
        return self.channel_order == "bgr"

    def apply(self, frames: Any) -> Any:
        """Normalises frames.

        Args:
            frames: `(..., 3)`, RGB in 0..255, uint8 or float.

        Returns:
            The same shape, float32, in `channel_order`.
        """
        # In float32 under every policy: half precision would lose small frame differences, which
        # `PersistenceOfAppearance` computes before casting.
        rescaling = keras.layers.Rescaling(
            list(self.multiplier), list(self.offset), dtype="float32", name="normalisation"
        )
        normalised = rescaling(frames)
        return ops.flip(normalised, axis=-1) if self.is_reversed else normalised


# Motion vectors as bytes, with 128 for no motion; the deviation is the mean of the RGB deviations,
# as in TSN.
FIELD = InputNormalisation((128 / 255, 128 / 255), (0.226, 0.226))
# As in torchvision.
IMAGENET = InputNormalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
