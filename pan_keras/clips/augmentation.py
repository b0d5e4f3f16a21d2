"""Data augmentation: random changes, identical for all frames of a clip except for exposure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from pan_keras.clips import fields
from pan_keras.clips.crops import cut, largest_inside, largest_window
from pan_keras.clips.opencv_resizing import resize
from pan_keras.clips.resizing import RESIZING
from pan_keras.errors import UserError

SCALES = (1.0, 0.875, 0.75, 0.66)
SNAP = 3
# Random times in a clip between which the exposure is interpolated.
TURNS_OF_LIGHT = 4
CROPS = ("random", "multiscale", "centre")

Below = Callable[[int], int]


class _Draws(NamedTuple):
    """Random values for one clip; `shift` and `stretch` in -1..1."""

    box: tuple[int, int, int, int]
    flips: bool
    degrees: float
    zoom: float
    shift: float
    stretch: float
    moments: np.ndarray
    lights: np.ndarray


@dataclass(frozen=True)
class Augmentation:
    """Data augmentation of training clips.

    Args:
        crop: `"random"` (any position), `"multiscale"` (corners, edges and centre at four scales,
            as in the reference) or `"centre"`.
        flip: Mirror half of the clips. Only for classes that do not distinguish left from right.
        brightness: Shift grey levels by up to this fraction of the full range.
        contrast: Scale grey levels about the clip's mean by up to this fraction.
        rotation: Rotate by up to this many degrees in either direction, to simulate a tilted
            camera. Keep it well below half the angle that separates two classes.
        zoom: Enlarge or shrink by up to this fraction.
        exposure: Vary the exposure over the clip, as automatic exposure does: standard deviation
            of the log gain. All frames of a stack get the same gain, because PA would respond to
            changes in brightness as it does to motion.

    Raises:
        UserError: If `crop` is unknown, a fraction is not in 0 to 1, or the rotation not in 0 to
            180 degrees.

    Example:
        >>> vary = Augmentation(crop="random", brightness=0.2, contrast=0.2)
        >>> times = np.repeat(np.arange(8) / 8, 3)
        >>> vary(frames, size=(72, 96), rng=np.random.default_rng(0), times=times).shape
        (24, 72, 96, 3)

    References:
        Wang et al., "Towards Good Practices for Very Deep Two-Stream ConvNets", 2015 (corner
        crops in several scales).
    """

    crop: str = "random"
    flip: bool = False
    brightness: float = 0.0
    contrast: float = 0.0
    rotation: float = 0.0
    zoom: float = 0.0
    exposure: float = 0.0

    def __post_init__(self):
        if self.crop not in CROPS:
            raise UserError(f"augmentation.crop: {self.crop!r} is not one of {', '.join(CROPS)}")
        limits = {"brightness": 1, "contrast": 1, "rotation": 180, "zoom": 1, "exposure": 1}
        for name, limit in limits.items():
            if not 0.0 <= getattr(self, name) < limit:
                raise UserError(f"augmentation.{name}: must be at least 0 and below {limit}")

    def __call__(
        self,
        frames: np.ndarray,
        size: tuple[int, int],
        rng: np.random.Generator,
        times: np.ndarray,
        resizing: int = RESIZING,
    ) -> np.ndarray:
        """Augments one clip.

        Args:
            frames: uint8 `(T, h, w, 3)`.
            size: Height and width (H, W) of the result.
            rng: Source of all randomness.
            times: Relative start in the video of each frame's stack, `(T,)`, in 0..1.
            resizing: Version of the resizing arithmetic.

        Returns:
            uint8 `(T, H, W, 3)`.
        """
        drawn = self._draw(frames.shape[1:3], size, rng)
        if self.rotation or self.zoom:
            frames = turned(frames, drawn.box, size, drawn.degrees, drawn.zoom)
        else:
            frames = cut(frames, drawn.box, size, resize, resizing)
        if drawn.flips:
            frames = frames[:, :, ::-1]
        if self.exposure:
            frames = lit(
                frames, np.exp(self.exposure * np.interp(times, drawn.moments, drawn.lights))
            )
        if self.brightness or self.contrast:
            frames = jitter(
                frames, drawn.shift * self.brightness, 1 + drawn.stretch * self.contrast
            )
        return np.ascontiguousarray(frames)

    def of_fields(
        self, stored: np.ndarray, size: tuple[int, int], rng: np.random.Generator
    ) -> np.ndarray:
        """Augments the motion fields of one clip as its frames would be, from the same draws.

        Changes in brightness are skipped; vectors are scaled, rotated and mirrored with the image.

        Args:
            stored: uint8 `(T, h, w, 2)`, as returned by `pan_keras.clips.fields.to_bytes`.
            size: Height and width (H, W) of the result.
            rng: Source of all randomness.

        Returns:
            uint8 `(T, H, W, 2)`.
        """
        drawn = self._draw(stored.shape[1:3], size, rng)
        if self.rotation or self.zoom:
            way = _way(drawn.box, size, drawn.degrees, drawn.zoom)
            stored = fields.warped(stored, way, size)
        else:
            stored = cut(stored, drawn.box, size, fields.resize_bytes)
        return fields.mirrored(stored) if drawn.flips else np.ascontiguousarray(stored)

    def _draw(
        self, frame_size: tuple[int, int], size: tuple[int, int], rng: np.random.Generator
    ) -> "_Draws":
        # All values are always drawn, so that enabling one option does not change the others.
        box = self._box(frame_size, size, rng)
        flip, shift, stretch = rng.random(), rng.uniform(-1, 1), rng.uniform(-1, 1)
        turn, enlargement = rng.uniform(-1, 1), rng.uniform(-1, 1)
        return _Draws(
            box,
            flips=self.flip and flip < 0.5,
            degrees=turn * self.rotation,
            zoom=1 + enlargement * self.zoom,
            shift=shift,
            stretch=stretch,
            moments=np.sort(rng.random(TURNS_OF_LIGHT)),
            lights=rng.normal(size=TURNS_OF_LIGHT),
        )

    def _box(
        self, frame_size: tuple[int, int], size: tuple[int, int], rng: np.random.Generator
    ) -> tuple[int, int, int, int]:
        if self.crop == "multiscale":
            return multiscale_box(frame_size, size, rng.integers)
        height, width = largest_window(frame_size, size)
        spare_height, spare_width = frame_size[0] - height, frame_size[1] - width
        if self.crop == "centre":
            return round(spare_width / 2), round(spare_height / 2), width, height
        left, top = int(rng.integers(spare_width + 1)), int(rng.integers(spare_height + 1))
        return left, top, width, height


def turned(
    frames: np.ndarray,
    box: tuple[int, int, int, int],
    size: tuple[int, int],
    degrees: float,
    zoom: float,
) -> np.ndarray:
    """Crops, rotates and zooms frames about the window's centre in a single interpolation.

    Args:
        frames: uint8 `(T, h, w, 3)`.
        box: Left, top, width, height of the window in pixels.
        size: Height and width (H, W) of the result.
        degrees: Clockwise rotation of the image.
        zoom: Scale factor, 1 for no change.

    Returns:
        uint8 `(T, H, W, 3)`, bilinear; the frame's edge is replicated beyond its border.
    """
    way = _way(box, size, degrees, zoom)
    return np.stack(
        [
            cv2.warpAffine(
                frame,
                way,
                size[::-1],
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            )
            for frame in frames
        ]
    )


def _way(
    box: tuple[int, int, int, int], size: tuple[int, int], degrees: float, zoom: float
) -> np.ndarray:
    """Returns the `(2, 3)` transform from result pixels (x, y, 1) of `turned` to frame pixels."""
    left, top, width, height = box
    # Maps offsets from the result's centre to offsets in the frame.
    radians = np.radians(degrees)
    back = np.array([[np.cos(radians), np.sin(radians)], [-np.sin(radians), np.cos(radians)]])
    back = back @ np.diag([width / size[1], height / size[0]]) / zoom
    centre = np.array([left + (width - 1) / 2, top + (height - 1) / 2])
    corner = centre - back @ np.array([(size[1] - 1) / 2, (size[0] - 1) / 2])
    return np.column_stack([back, corner])


def lit(frames: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """Multiplies the grey levels of each frame by a gain.

    Args:
        frames: uint8 `(T, h, w, 3)`.
        gains: Gain per frame `(T,)`, 1 for no change.

    Returns:
        uint8 of the same shape.
    """
    tables = np.clip(np.round(np.outer(gains, np.arange(256))), 0, 255).astype(np.uint8)
    return np.stack(
        [
            cv2.LUT(np.ascontiguousarray(frame), table)
            for frame, table in zip(frames, tables, strict=True)
        ]
    )


def jitter(frames: np.ndarray, brightness: float, contrast: float) -> np.ndarray:
    """Scales grey levels about their mean by `contrast` and shifts them by `brightness`.

    Scaling about mid-grey instead of the mean would turn dark clips black.

    Args:
        frames: uint8, any shape.
        brightness: Shift as a fraction of 255.
        contrast: Factor, 1 for no change.

    Returns:
        uint8 of the same shape.
    """
    mean = frames.mean()
    levels = (np.arange(256) - mean) * contrast + mean + 255 * brightness
    table = np.clip(np.round(levels), 0, 255).astype(np.uint8)
    flat = np.ascontiguousarray(frames).reshape(frames.shape[0], -1)
    return cv2.LUT(flat, table).reshape(frames.shape)


def multiscale_box(
    frame_size: tuple[int, int], size: tuple[int, int], below: Below
) -> tuple[int, int, int, int]:
    """Draws one of ten window shapes and one of thirteen positions.

    Args:
        frame_size: Height and width of the frames.
        size: Input height and width (H, W) of the model. For a square size the windows are those
            of the reference; otherwise they have its aspect ratio.
        below: Draws an integer in `[0, argument)`: `numpy.random.Generator.integers`, or
            `random.Random.randrange`.

    Returns:
        Left, top, width, height in pixels.
    """
    shapes = multiscale_shapes(frame_size, size)
    width, height = shapes[int(below(len(shapes)))]
    places = fixed_places(frame_size, (height, width))
    left, top = places[int(below(len(places)))]
    return left, top, width, height


def multiscale_shapes(frame_size: tuple[int, int], size: tuple[int, int]) -> list[tuple[int, int]]:
    """Returns window shapes (width, height): pairs of scales at most one step apart.

    Args:
        frame_size: Height and width of the frames.
        size: Input height and width (H, W) of the model.
    """
    heights, widths = (
        [_snapped(int(largest * factor), side) for factor in SCALES]
        for largest, side in zip(largest_inside(size, frame_size), size, strict=True)
    )
    return [
        (width, height)
        for i, height in enumerate(heights)
        for j, width in enumerate(widths)
        if abs(i - j) <= 1
    ]


def fixed_places(frame_size: tuple[int, int], window: tuple[int, int]) -> list[tuple[int, int]]:
    """Returns thirteen positions (left, top): corners, centre, edge midpoints and quarters.

    Args:
        frame_size: Height and width of the frames.
        window: Height and width of the window.
    """
    down, across = ((outer - inner) // 4 for outer, inner in zip(frame_size, window, strict=True))
    quarters = [(0, 0), (4, 0), (0, 4), (4, 4), (2, 2), (0, 2), (4, 2), (2, 4), (2, 0)]
    quarters += [(1, 1), (3, 1), (1, 3), (3, 3)]
    return [(x * across, y * down) for x, y in quarters]


def _snapped(side: int, wanted: int) -> int:
    # A window of almost the model's input size is snapped to it, which avoids blur from resizing.
    return wanted if abs(side - wanted) < SNAP else max(1, side)
