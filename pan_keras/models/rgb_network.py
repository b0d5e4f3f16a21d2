"""The RGB branch: TSN, TSM and the spatial branch of PAN_Full."""

import keras

from pan_keras.models.cues import AppearanceCue, Cue
from pan_keras.models.video_network import VideoNetwork


@keras.saving.register_keras_serializable(package="pan_keras")
class RGBNetwork(VideoNetwork):
    """Classifies clips by the first frame of each stack.

    With `aggregation="average"` this is TSN on a backbone without the temporal shift, and TSM on
    one with it; with `"vap"` it is the RGB branch of PAN_Full. Arguments, input and output are
    those of `VideoNetwork`; all frames of a stack except the first are ignored.

    Example:
        >>> model = RGBNetwork(classes=8, backbone="micro", stack=1, size=112)
        >>> model(keras.random.uniform((2, 8, 1, 112, 112, 3), 0, 255)).shape
        (2, 8)

    References:
        PAN paper, Sec. IV-A (Eq. 8), Fig. 3-B. Wang et al., "Temporal Segment Networks", ECCV 2016.
    """

    modality = "rgb"

    @classmethod
    def plan(cls, stack: int) -> tuple[Cue, ...]:  # noqa: ARG003
        """RGB of the first frame."""
        return (AppearanceCue(),)
