"""RGB differences: recognition from differences of adjacent frames."""

import keras

from pan_keras.models.cues import Cue, DifferenceCue
from pan_keras.models.video_network import VideoNetwork


@keras.saving.register_keras_serializable(package="pan_keras")
class DifferenceNetwork(VideoNetwork):
    """Classifies clips by the differences of adjacent normalised frames, three channels per pair.

    RGB difference is the cheapest motion cue and a baseline for PA. The network computes it from
    frames. Arguments, input and output are those of `VideoNetwork`.

    Example:
        >>> model = DifferenceNetwork(classes=8, backbone="micro", segments=8, stack=4, size=112)
        >>> model(keras.random.uniform((2, 8, 4, 112, 112, 3), 0, 255)).shape
        (2, 8)
        >>> model.backbone.input_shape
        (None, None, None, 9)

    References:
        Wang et al., "Temporal Segment Networks", ECCV 2016 (RGB difference). PAN paper, Fig. 5.
    """

    modality = "difference"

    @classmethod
    def plan(cls, stack: int) -> tuple[Cue, ...]:
        """Differences of the frames of the stack."""
        return (DifferenceCue(0, stack - 1),)
