"""Crops frames at fixed positions, as in evaluation.

The resizing function is passed in, so that devices need no OpenCV: training uses OpenCV
(`pan_keras.clips.opencv_resizing`) and the runtime NumPy (`pan_keras.clips.resizing`), with
identical pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pan_keras.clips.clip_shape import ClipShape, Fit
from pan_keras.clips.resizing import RESIZING, Resizing
from pan_keras.errors import UserError

CROPS = ("1", "3", "full")

Resize = Callable[[np.ndarray, tuple[int, int], int], np.ndarray]


def resize_shorter_side(
    frame: np.ndarray, side: int, resize: Resize, version: int = RESIZING
) -> np.ndarray:
    """Scales a frame's shorter side to `side` pixels and keeps its aspect ratio.

    Args:
        frame: uint8 `(H, W, 3)`.
        side: Length of the shorter side in pixels.
        resize: Function that scales a frame to a height and width, given a version.
        version: Version of the resizing arithmetic.

    Returns:
        uint8 `(h, w, 3)`; the longer side is rounded down.
    """
    height, width = frame.shape[:2]
    short = min(height, width)
    if short == side:
        return frame
    return resize(frame, (side * height // short, side * width // short), version)


def cut(
    frames: np.ndarray,
    box: tuple[int, int, int, int],
    size: tuple[int, int],
    resize: Resize,
    version: int = RESIZING,
) -> np.ndarray:
    """Crops the same box from all frames and scales it to `size`.

    Args:
        frames: uint8 `(T, h, w, 3)`.
        box: Left, top, width, height in pixels.
        size: Height and width (H, W) of the result.
        resize: Function that scales a frame to a height and width, given a version.
        version: Version of the resizing arithmetic.

    Returns:
        uint8 `(T, H, W, 3)`.
    """
    left, top, width, height = box
    window = frames[:, top : top + height, left : left + width]
    if (height, width) == tuple(size):
        return window
    return np.stack([resize(frame, size, version) for frame in window])


def largest_inside(proportions: tuple[int, int], bounds: tuple[int, int]) -> tuple[int, int]:
    """Returns the largest rectangle of a given aspect ratio within bounds, in whole pixels.

    Args:
        proportions: Height and width of any rectangle with this aspect ratio.
        bounds: Maximum height and width.

    Returns:
        Height and width; one of them equals that of `bounds`, the other is rounded down.

    Example:
        >>> largest_inside((72, 96), (48, 96))
        (48, 64)
    """
    height, width = proportions
    if bounds[0] * width <= bounds[1] * height:
        return bounds[0], max(1, width * bounds[0] // height)
    return max(1, height * bounds[1] // width), bounds[1]


def largest_window(frame_size: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Returns the crop size (h, w) for `size`: `size` itself, or less if the frame is too small.

    Args:
        frame_size: Height and width of the frames.
        size: Target height and width (H, W).

    Returns:
        Height and width with the aspect ratio of `size`.
    """
    if size[0] <= frame_size[0] and size[1] <= frame_size[1]:
        return size
    return largest_inside(size, frame_size)


def full_size(shape: ClipShape) -> tuple[int, int]:
    """Returns the input size for evaluation at full resolution: `size` scaled up to `resize`.

    Args:
        shape: Segments, stack, size and resize.

    Returns:
        (H, W) with the aspect ratio of `shape.size` and the shorter side `shape.resize`.

    Example:
        >>> full_size(ClipShape(segments=8, stack=3, size=(72, 96), resize=84))
        (84, 112)
    """
    short = min(shape.size)
    height, width = (round(side * shape.resize / short) for side in shape.size)
    return height, width


def evaluation_crops(
    frames: np.ndarray, shape: ClipShape, crops: str, resize: Resize
) -> list[np.ndarray]:
    """Returns the evaluation crops of resized frames.

    `"1"`: the centre. `"full"`: the centre at `full_size`. `"3"`: start, end and middle of the
    longer side (left, right and centre for landscape frames).

    Args:
        frames: uint8 `(T, h, w, 3)`, scaled by `framing(shape, crops)`.
        shape: Size of the crops.
        crops: `"1"`, `"3"` or `"full"`.
        resize: Function that scales a frame to a height and width, given a version.

    Returns:
        One or three arrays uint8 `(T, H, W, 3)`.
    """
    size = full_size(shape) if crops == "full" else shape.size
    frame_height, frame_width = frames.shape[1:3]
    height, width = largest_window((frame_height, frame_width), size)
    left, top = _middle(frame_width, width), _middle(frame_height, height)
    if crops != "3":
        return [cut(frames, (left, top, width, height), size, resize, shape.resizing)]
    # As in the reference, offsets are multiples of a quarter of the margin, rounded down.
    right, bottom = (frame_width - width) // 4 * 4, (frame_height - height) // 4 * 4
    if frame_height > frame_width:
        places = [(left, 0), (left, bottom), (left, bottom // 2)]
    else:
        places = [(0, bottom // 2), (right, bottom // 2), (right // 2, bottom // 2)]
    return [cut(frames, (x, y, width, height), size, resize, shape.resizing) for x, y in places]


def _middle(outer: int, inner: int) -> int:
    return round((outer - inner) / 2)


@dataclass(frozen=True)
class Framing:
    """Scales frames to the size that crops are taken from.

    Args:
        size: Length of the shorter side in pixels for `"crop"`; otherwise height and width (H, W)
            of the result.
        fit: `"crop"` scales the shorter side, `"letterbox"` scales the frame into the result and
            pads with black, `"squash"` scales it to the result and ignores the aspect ratio.
        resizing: Version of the resizing arithmetic.

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
            frame: uint8 `(h, w, 3)`; or a motion field, float32 `(h, w, 2)`.
            resize: Function that scales a frame to a height and width, given a version.

        Returns:
            uint8 `(H, W, 3)`; for a motion field, float32 `(H, W, 2)`.
        """
        if isinstance(self.size, int):
            return resize_shorter_side(frame, self.size, resize, self.resizing)
        if self.fit == "squash":
            return resize(frame, self.size, self.resizing)
        height, width = largest_inside((frame.shape[0], frame.shape[1]), self.size)
        if (height, width) == self.size:
            return resize(frame, self.size, self.resizing)
        top, left = (self.size[0] - height) // 2, (self.size[1] - width) // 2
        result = np.zeros((*self.size, frame.shape[-1]), frame.dtype)
        inside = resize(frame, (height, width), self.resizing)
        result[top : top + height, left : left + width] = inside
        return result


def check_framing(found: Framing, shape: ClipShape, crops: str = "1") -> None:
    """Raises UserError unless frames are scaled as the crops of a shape require.

    Args:
        found: Framing that the frames were scaled by.
        shape: As for `framing`.
        crops: As for `framing`.
    """
    wanted = framing(shape, crops)
    if found != wanted:
        raise UserError(
            f"frames have the shape {found}, but crops={crops} of {shape} needs {wanted}"
        )


def framing(shape: ClipShape, crops: str = "1") -> Framing:
    """Returns the framing that a clip shape and its crops require.

    Args:
        shape: Size, resize, fit and version of resizing.
        crops: Crops taken in evaluation: `"1"`, `"3"` or `"full"`.

    Raises:
        UserError: If three crops are requested for a model that takes whole frames.

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
