"""From frames of any size to those that crops are taken from."""

from dataclasses import dataclass

import numpy as np

from pan_keras.clips.clip_shape import ClipShape, Fit
from pan_keras.clips.crops import Resize, full_size, largest_inside, resize_shorter_side
from pan_keras.clips.resizing import RESIZING, Resizing
from pan_keras.errors import UserError


@dataclass(frozen=True)
class Framing:
    """How frames are brought to the size that crops are taken from.

    Args:
        size: Pixels of the shorter side for `"crop"`; else the height and width (H, W) of the
            result.
        fit: `"crop"` scales a frame to the shorter side, `"letterbox"` scales it into the result
            and leaves black what it does not cover, `"squash"` scales it to the result whatever
            its proportions.
        resizing: Version of resizing.

    Example:
        >>> Framing(84)(np.zeros((240, 320, 3), np.uint8), resize).shape
        (84, 112, 3)
        >>> Framing((72, 96), "letterbox")(np.zeros((240, 320, 3), np.uint8), resize).shape
        (72, 96, 3)
    """

    size: int | tuple[int, int]
    fit: Fit = "crop"
    resizing: Resizing = RESIZING

    def __call__(self, frame: np.ndarray, resize: Resize) -> np.ndarray:
        """Scales one frame.

        Args:
            frame: uint8 `(h, w, 3)`.
            resize: Scales a frame to a height and width by a version.

        Returns:
            uint8 `(H, W, 3)`.
        """
        if isinstance(self.size, int):
            return resize_shorter_side(frame, self.size, resize, self.resizing)
        if self.fit == "squash":
            return resize(frame, self.size, self.resizing)
        height, width = largest_inside((frame.shape[0], frame.shape[1]), self.size)
        if (height, width) == self.size:
            return resize(frame, self.size, self.resizing)
        top, left = (self.size[0] - height) // 2, (self.size[1] - width) // 2
        result = np.zeros((*self.size, 3), np.uint8)
        inside = resize(frame, (height, width), self.resizing)
        result[top : top + height, left : left + width] = inside
        return result


def check_framing(found: Framing, shape: ClipShape, crops: str = "1") -> None:
    """Raises UserError unless frames come as the crops of a shape are taken from them.

    Args:
        found: How the frames are brought to size.
        shape: As for `framing`.
        crops: As for `framing`.
    """
    wanted = framing(shape, crops)
    if found != wanted:
        raise UserError(f"frames come as {found}, but crops={crops} of {shape} needs {wanted}")


def framing(shape: ClipShape, crops: str = "1") -> Framing:
    """How the frames of a clip are to be brought to size.

    Args:
        shape: Size, resize, fit and version of resizing.
        crops: The views that evaluation takes: `"1"`, `"3"` or `"full"`.

    Raises:
        UserError: If three crops are asked for of a model that sees whole frames.

    Example:
        >>> framing(ClipShape(segments=8, stack=3, size=(72, 96), resize=84))
        Framing(size=84, fit='crop', resizing=2)
    """
    if shape.fit == "crop":
        return Framing(shape.resize, resizing=shape.resizing)
    if crops == "3":
        raise UserError(
            f"crops: 3 is for models that see a part of the frame; with model.fit={shape.fit} the "
            "whole frame is one view, so give 1 or full"
        )
    size = full_size(shape) if crops == "full" else shape.size
    return Framing(size, shape.fit, shape.resizing)
