"""The PA branch: recognition from motion alone."""

import keras

from pan_keras.models.cues import Cue, MotionCue
from pan_keras.models.video_network import VideoNetwork


@keras.saving.register_keras_serializable(package="pan_keras")
class PANetwork(VideoNetwork):
    """Classifies clips by PA alone, the motion branch of PAN_Full.

    Arguments, input and output are those of `VideoNetwork`.

    Example:
        >>> model = PANetwork(classes=8, backbone="micro", segments=8, stack=4, size=112)
        >>> model(keras.random.uniform((2, 8, 4, 112, 112, 3), 0, 255)).shape
        (2, 8)

    References:
        PAN paper, Sec. IV-A (Eq. 9), Fig. 3-B.
    """

    modality = "pa"

    @classmethod
    def plan(cls, stack: int) -> tuple[Cue, ...]:
        """PA of the stack."""
        return (MotionCue(0, stack - 1),)
