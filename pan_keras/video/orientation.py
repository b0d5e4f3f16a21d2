"""Converts decoded frames to RGB and applies the rotation and mirroring of the file."""

from dataclasses import dataclass

import av
import numpy as np
from av.sidedata.sidedata import Type
from av.video.reformatter import VideoReformatter

QUARTER = 90  # degrees


@dataclass(frozen=True)
class Orientation:
    """One of the eight orientations of a frame.

    Args:
        rotation: Degrees, counter-clockwise: 0, 90, 180 or -90.
        mirrored: Whether the frame is mirrored horizontally before the rotation.

    Example:
        >>> Orientation(rotation=90).applied(np.zeros((48, 64, 3), "uint8")).shape
        (64, 48, 3)
    """

    rotation: int = 0
    mirrored: bool = False

    @classmethod
    def of(cls, frame: av.VideoFrame) -> "Orientation":
        """Reads the display matrix of a frame; angles are rounded to quarter turns.

        Args:
            frame: A decoded frame.
        """
        try:
            matrix = frame.side_data.get(Type.DISPLAYMATRIX)
        except ValueError:
            # The frame has side data of a kind unknown to PyAV.
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
        """Whether width and height are swapped."""
        return self.rotation % (2 * QUARTER) != 0

    def applied(self, pixels: np.ndarray) -> np.ndarray:
        """Returns a view of the pixels in display orientation.

        Args:
            pixels: `(H, W, ...)` as stored.
        """
        return np.rot90(pixels[:, ::-1] if self.mirrored else pixels, self.rotation // QUARTER)

    def applied_to_field(self, field: np.ndarray) -> np.ndarray:
        """Returns a displacement field in display orientation, with its vectors transformed.

        Args:
            field: `(H, W, 2)`: pixels to the right and pixels down, as stored.
        """
        across, down = np.moveaxis(self.applied(field), -1, 0)
        if self.mirrored:
            across = -across
        for _ in range(self.rotation // QUARTER % 4):
            across, down = down, -across
        return np.stack([across, down], axis=-1)


def upright(
    frame: av.VideoFrame,
    to_rgb: VideoReformatter,
    size: tuple[int, int],
    orientation: Orientation | None = None,
) -> np.ndarray:
    """Converts a decoded frame to upright pixels.

    Args:
        frame: The frame as stored.
        to_rgb: Converter, reused from frame to frame.
        size: Width and height in pixels to scale to, before the rotation.
        orientation: That of the frame, if it has been read already.

    Returns:
        uint8 `(H, W, 3)`, RGB, rotated and mirrored as the file specifies.
    """
    rgb = to_rgb.reformat(frame, width=size[0], height=size[1], format="rgb24", threads=1)
    orientation = orientation or Orientation.of(frame)
    return np.ascontiguousarray(orientation.applied(rgb.to_ndarray()))
