"""Motion fields as input: recognition from optical flow or the codec's vectors."""

import keras

from pan_keras.backbones.input_normalisation import FIELD, InputNormalisation
from pan_keras.models.cues import Cue, FieldCue
from pan_keras.models.video_network import VideoNetwork


@keras.saving.register_keras_serializable(package="pan_keras")
class FlowNetwork(VideoNetwork):
    """Classifies clips by the motion fields between adjacent frames, two channels per pair.

    The fields are computed beforehand, by optical flow or from the codec's motion vectors, and
    given as bytes (`pan_keras.clips.fields.to_bytes`). Arguments and output are those of
    `VideoNetwork`.

    Input shape:
        `(B, N, m - 1, H, W, 2)`: bytes of the motion in x and y, uint8 or float.

    Example:
        >>> model = FlowNetwork(classes=8, backbone="micro", segments=8, stack=6, size=112)
        >>> model(keras.random.uniform((2, 8, 5, 112, 112, 2), 1, 255)).shape
        (2, 8)
        >>> model.backbone.input_shape
        (None, None, None, 10)

    References:
        Simonyan and Zisserman, "Two-Stream Convolutional Networks", NIPS 2014. Wang et al.,
        "Temporal Segment Networks", ECCV 2016. PAN paper, Table II.
    """

    modality = "flow"
    takes = "fields"

    @classmethod
    def plan(cls, stack: int) -> tuple[Cue, ...]:
        """The fields of the stack."""
        return (FieldCue(stack - 1),)

    @classmethod
    def _pictures(cls, stack: int) -> tuple[int, int]:
        """One field per pair of frames."""
        return stack - 1, 2

    @classmethod
    def _normalisation_of(cls, backbone: keras.Model) -> InputNormalisation:  # noqa: ARG003
        """The normalisation of fields, whatever the backbone declares."""
        return FIELD
