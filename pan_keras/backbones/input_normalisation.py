"""Input normalisation: how RGB bytes are scaled for a backbone and for PA."""

from dataclasses import dataclass
from typing import Any

import keras
from keras import ops


@dataclass(frozen=True)
class InputNormalisation:
    """The preprocessing that a backbone was designed, or pretrained, with.

    A byte `x` of a channel becomes `(x / 255 * scale - mean) / deviation`. It is part of every
    network, so that the same bytes go in at training, in TFLite, in ONNX and on the phone.

    Args:
        mean: Per channel, in the order of RGB, in units of `scale`; of a motion field across, down.
        deviation: Per channel in the same order, in units of `scale`.
        scale: What the byte 255 becomes first: 1 for torchvision, 255 for Caffe.
        channel_order: `"rgb"`, or `"bgr"` for a backbone that sees blue first. PA is computed on
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
        """Factor of a byte, per channel in the order of RGB."""
        return tuple(self.scale / (255 * deviation) for deviation in self.deviation)

    @property
    def offset(self) -> tuple[float, ...]:
        """What is added after the factor, per channel in the order of RGB."""
        return tuple(
            -mean / deviation for mean, deviation in zip(self.mean, self.deviation, strict=True)
        )

    @property
    def is_reversed(self) -> bool:
        """Whether blue comes first in what the backbone sees."""
        return self.channel_order == "bgr"

    def apply(self, frames: Any) -> Any:
        """Normalises frames.

        Args:
            frames: `(..., 3)`, RGB in 0..255, uint8 or float.

        Returns:
            The same shape, float32, in `channel_order`.
        """
        # In float32 under every policy: half precision would blur the differences of frames, which
        # `PersistenceOfAppearance` takes before it casts.
        rescaling = keras.layers.Rescaling(
            list(self.multiplier), list(self.offset), dtype="float32", name="normalisation"
        )
        normalised = rescaling(frames)
        return ops.flip(normalised, axis=-1) if self.is_reversed else normalised


# Of bytes that stand for vectors, 128 for no motion; the deviation is the mean of the colours', as
# in TSN.
FIELD = InputNormalisation((128 / 255, 128 / 255), (0.226, 0.226))
# torchvision's.
IMAGENET = InputNormalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
