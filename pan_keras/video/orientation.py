"""Decoded frames in RGB with the rotation and mirroring of the file applied."""

from dataclasses import dataclass

import av
import numpy as np
from av.sidedata.sidedata import Type
from av.video.reformatter import VideoReformatter

QUARTER = 90  # degrees


@dataclass(frozen=True)
class Orientation:
    """One of the eight ways to show a rectangle of pixels.

    Args:
        rotation: Degrees, counter-clockwise: 0, 90, 180 or -90.
        mirrored: Whether the frame is mirrored left to right before it is turned.

    Example:
        >>> Orientation(rotation=90).applied(np.zeros((48, 64, 3), "uint8")).shape
        (64, 48, 3)
    """

    rotation: int = 0
    mirrored: bool = False

    @classmethod
    def of(cls, frame: av.VideoFrame) -> "Orientation":
        """Reads the display matrix of a frame; angles between are brought to the nearest quarter.

        Args:
            frame: A decoded frame.
        """
        try:
            matrix = frame.side_data.get(Type.DISPLAYMATRIX)
        except ValueError:
            # There is data beside it of a kind that PyAV has no name for.
            return cls(round(frame.rotation / QUARTER) * QUARTER)
        if matrix is None:
            return cls()
        return cls._of_matrix(np.frombuffer(bytes(matrix), "=i4").astype(np.int64))

    @classmethod
    def _of_matrix(cls, matrix: np.ndarray) -> "Orientation":
        # A stored pixel (p, q) is shown at x = a p + c q, y = b p + d q, y pointing down.
        a, b, c, d = matrix[[0, 1, 3, 4]].tolist()
        mirrored = a * d - b * c < 0
        if mirrored:
            a, b = -a, -b
        across, down = a + d, b - c
        if abs(across) >= abs(down):
            return cls(180 if across < 0 else 0, mirrored)
        return cls(-QUARTER if down > 0 else QUARTER, mirrored)

    @property
    def is_quarter(self) -> bool:
        """Whether width and height change places."""
        return self.rotation % (2 * QUARTER) != 0

    def applied(self, pixels: np.ndarray) -> np.ndarray:
        """A view of the pixels as they are to be shown.

        Args:
            pixels: `(H, W, ...)` as stored.
        """
        return np.rot90(pixels[:, ::-1] if self.mirrored else pixels, self.rotation // QUARTER)

    def applied_to_field(self, field: np.ndarray) -> np.ndarray:
        """A field of displacements as it is to be shown, its vectors turned with it.

        Args:
            field: `(H, W, 2)`: pixels to the right and pixels down, as stored.
        """
        across, down = np.moveaxis(self.applied(field), -1, 0)
        if self.mirrored:
            across = -across
        for _ in range(self.rotation // QUARTER % 4):
            across, down = down, -across
        return np.stack([across, down], axis=-1)


def upright(frame: av.VideoFrame, to_rgb: VideoReformatter, size: tuple[int, int]) -> np.ndarray:
    """A decoded frame as pixels.

    Args:
        frame: The frame as stored.
        to_rgb: Converts it; kept from frame to frame.
        size: Width and height in pixels that it is brought to before it is turned.

    Returns:
        uint8 `(H, W, 3)`, RGB, turned and mirrored as the file says.
    """
    rgb = to_rgb.reformat(frame, width=size[0], height=size[1], format="rgb24", threads=1)
    return np.ascontiguousarray(Orientation.of(frame).applied(rgb.to_ndarray()))
