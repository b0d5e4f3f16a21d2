"""The shape of the clips that a model takes."""

from dataclasses import dataclass
from typing import Literal, get_args

from pan_keras.clips.resizing import RESIZING, RESIZINGS, Resizing
from pan_keras.errors import UserError

Fit = Literal["crop", "letterbox", "squash"]
FITS = get_args(Fit)
# Motion fields by what computes them: the codec, or a method of optical flow.
MotionField = Literal["vectors", "dis_ultrafast", "dis_fast", "dis", "farneback", "tvl1"]
FIELDS: tuple[MotionField, ...] = get_args(MotionField)


@dataclass(frozen=True)
class ClipShape:
    """N stacks of m frames of (H, W) pixels, and how frames of any size become such.

    Args:
        segments: Stacks per clip, N.
        stack: Adjacent frames per stack, m.
        size: Height and width (H, W) in pixels that the model sees.
        resize: Shorter side in pixels to which a frame is resized before `size` is cut out.
        fit: `"crop"` cuts `size` out of a frame. `"letterbox"` and `"squash"` scale the whole frame
            to `size`: the one keeps its proportions and leaves black what it does not cover, the
            other does not keep them; `resize` then serves evaluation at full resolution alone.
        resizing: Version of the arithmetic that scales frames.
        field: The motion field that the model takes in the place of frames, one for each pair of
            adjacent frames; None for a model that takes frames.

    Raises:
        UserError: If a number is below 1, `size` is cut from less than itself, the fit or the
            version of resizing is not known, or they do not go together.

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
        """Shape of one clip, `(N, m, H, W, 3)`; of fields `(N, m - 1, H, W, 2)`."""
        if self.field is not None:
            return (self.segments, self.stack - 1, *self.size, 2)
        return (self.segments, self.stack, *self.size, 3)
