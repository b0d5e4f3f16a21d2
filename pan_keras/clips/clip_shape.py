"""The input shape of a model: segments, stacks and frame geometry."""

from dataclasses import dataclass
from typing import Literal, get_args

from pan_keras.clips.resizing import RESIZING, RESIZINGS, Resizing
from pan_keras.errors import UserError

Fit = Literal["crop", "letterbox", "squash"]
FITS = get_args(Fit)
# Motion fields by source: the codec's motion vectors, or an optical flow method.
MotionField = Literal["vectors", "dis_ultrafast", "dis_fast", "dis", "farneback", "tvl1"]
FIELDS: tuple[MotionField, ...] = get_args(MotionField)


@dataclass(frozen=True)
class ClipShape:
    """Shape of a clip, N stacks of m frames of (H, W) pixels, and how frames are fitted to it.

    Args:
        segments: Stacks per clip, N.
        stack: Adjacent frames per stack, m.
        size: Input height and width (H, W) of the model in pixels.
        resize: Length in pixels to which a frame's shorter side is resized before cropping `size`.
        fit: `"crop"` crops `size` from a frame. `"letterbox"` scales the whole frame into `size`,
            keeps its aspect ratio and pads with black; `"squash"` scales it to `size` without
            keeping the aspect ratio. With either, only evaluation at full resolution uses `resize`.
        resizing: Version of the resizing arithmetic.
        field: Motion field that the model takes instead of frames, one for each pair of adjacent
            frames; None for a model that takes frames.

    Raises:
        UserError: If a number is below 1, `size` exceeds the resized frame, the fit or version of
            resizing is unknown, or the options are incompatible.

    Example:
        >>> ClipShape(segments=8, stack=4, size=(224, 224), resize=256).array
        (8, 4, 224, 224, 3)
    """

    segments: int
    stack: int
    size: tuple[int, int]
    resize: int
    fit: Fit = "crop"
    resizing: Resizing = RESIZING
    field: MotionField | None = None

    def __post_init__(self):
        object.__setattr__(self, "size", tuple(self.size))
        if min(self.segments, self.stack, *self.size) < 1 or len(self.size) != 2:
            raise UserError(f"{self}: segments, stack and size (H, W) must be at least 1")
        if self.resize < min(self.size):
            raise UserError(
                f"resize: {self.resize} is less than the shorter side of size {self.size}; "
                f"set it to {min(self.size)} or more"
            )
        if self.fit not in FITS:
            raise UserError(f"fit: {self.fit!r} is not one of {', '.join(FITS)}")
        if self.resizing not in RESIZINGS:
            raise UserError(
                f"resizing: version {self.resizing!r} is not known to this pan-keras, which has "
                f"{RESIZINGS[0]} to {RESIZINGS[-1]}; install a newer one"
            )
        if self.fit != "crop" and self.resizing == 1:
            raise UserError(f"resizing: version 1 cannot {self.fit} frames; use version 2")

    @property
    def array(self) -> tuple[int, ...]:
        """Shape of one clip: `(N, m, H, W, 3)`, or `(N, m - 1, H, W, 2)` for motion fields."""
        if self.field is not None:
            return (self.segments, self.stack - 1, *self.size, 2)
        return (self.segments, self.stack, *self.size, 3)
