"""Writes frames to a video file, atomically."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from pan_keras.files import replacing

CLEAR = {"crf": "18", "preset": "veryfast"}
LARGEST_DENOMINATOR = 1001  # of a frame rate; 30000 / 1001 is that of NTSC television


@contextmanager
def writing_video(
    path: Path | str, rate: float, options: Mapping[str, str] = CLEAR
) -> Iterator[Callable[[np.ndarray], None]]:
    """Encodes frames as H.264 in mp4 while the block runs.

    Args:
        path: The file; it appears when the block succeeds.
        rate: Frames per second.
        options: Options of the encoder x264.

    Yields:
        A function that writes the next frame, uint8 `(H, W, 3)` RGB; all frames have the size of
        the first, with H and W even.

    Raises:
        UserError: If the disk is full.

    Example:
        >>> with writing_video("grey.mp4", rate=25) as write:
        ...     write(np.full((72, 96, 3), 128, "uint8"))
    """
    exact = Fraction(rate).limit_denominator(LARGEST_DENOMINATOR)
    with replacing(path) as temporary, av.open(str(temporary), "w") as container:
        stream = container.add_stream("libx264", rate=exact)
        stream.pix_fmt = "yuv420p"
        stream.options = dict(options)

        def write(pixels: np.ndarray) -> None:
            if not stream.codec_context.is_open:
                stream.height, stream.width = pixels.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))

        yield write
        container.mux(stream.encode())
