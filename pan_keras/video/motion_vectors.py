"""Motion vectors stored in compressed video, as dense fields."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import av
import numpy as np
from av.sidedata.sidedata import Type

from pan_keras.errors import UserError
from pan_keras.video.container import BrokenVideo, OpenVideo, opened
from pan_keras.video.frame_index import FrameIndex
from pan_keras.video.frame_reader import FrameReader
from pan_keras.video.frame_sources import TIMEOUT, frame_source
from pan_keras.video.orientation import Orientation
from pan_keras.video.prediction_structure import prediction_structure
from pan_keras.video.video_file import VideoFile

# Codecs whose decoder in libavcodec exports vectors, by libav's names. The decoders of HEVC, VP8,
# VP9 and AV1 do not, and Motion JPEG has none.
CODECS = (
    *("h264", "mpeg4", "mpeg2video", "mpeg1video", "h263", "flv1"),
    *("msmpeg4v2", "msmpeg4v3", "wmv1", "wmv2", "rv10", "rv20"),
)
# For B-frames of these, libavcodec exports stale vectors of other frames.
WITHOUT_B = ("mpeg4",)
CELL = 8  # pixels: the grid of blocks, whose sides are 8 or 16


def motion_vectors(
    path: Path | str,
    indices: Sequence[int] | np.ndarray,
    *,
    timeout: float = TIMEOUT,
    transform: Callable[[np.ndarray], np.ndarray] | None = None,
) -> np.ndarray:
    """Reads the codec's motion from the previous frame to each requested frame, upright.

    The field corresponds to optical flow from frame `i - 1` to frame `i`, on the grid of frame
    `i`: content at `(x, y)` in frame `i` was at `(x, y)` minus the field in the previous frame.
    Vectors to more distant reference frames are divided by the distance in frames. For a block
    with a vector to the past and one to the future, their mean is used.

    The field is zero for intra frames and blocks, and for the last frame of MPEG-1, MPEG-2 and of
    MPEG-4 Part 2 with B-frames, whose vectors libavcodec does not export. B-frames of MPEG-4 Part 2
    get the field of the following predicted frame, since libavcodec does not export their own.
    Encoders choose vectors that are cheap to encode, which need not match the actual motion. The
    decoder does not report which reference was used; the nearest is assumed, so H.264 vectors to
    older frames are too long.

    Args:
        path: A video file in H.264, MPEG-1, MPEG-2, MPEG-4 Part 2, H.263, Sorenson Spark, Windows
            Media Video 7 or 8, or RealVideo 1 or 2.
        indices: At least one frame, in any order, repeats allowed, from 0 to `frames - 1`.
        timeout: Seconds per step of reading.
        transform: Applied to each field as it is decoded, for example a resize.

    Returns:
        float32 `(len(indices), H, W, 2)`: pixels to the right and pixels down per frame.

    Raises:
        BrokenVideo: If no frame can be decoded or reading comes to a halt.
        UserError: If it is not a video file, or its codec exports no vectors.
        IndexError: If there is no such frame.

    Example:
        >>> field = motion_vectors("wave.mp4", [1, 2])
        >>> field.shape, field.dtype
        ((2, 160, 214, 2), dtype('float32'))

    References:
        Zhang et al., "Real-time Action Recognition with Enhanced Motion Vector CNNs", CVPR 2016.
        Wu et al., "Compressed Video Action Recognition", CVPR 2018.
    """
    source = frame_source(path, timeout)
    if not isinstance(source, VideoFile):
        raise UserError(f"{path}: only a video file has motion vectors; choose another motion cue")
    wanted = [int(i) for i in indices]
    if not 0 <= min(wanted) <= max(wanted) < len(source):
        raise IndexError(f"{path}: frames {min(wanted)} to {max(wanted)} of {len(source)}")
    reader = _VectorReader(source.path, source.index, timeout, transform)
    places = [reader.stands_for(i) for i in wanted]
    fields = reader.read(sorted(set(places)))
    return np.stack([fields[place] for place in places])


class _VectorReader(FrameReader):
    """Reads vector fields instead of pixels."""

    # Vectors do not depend on pixels, so their reconstruction is skipped.
    options: ClassVar[Mapping[str, str]] = {
        "flags2": "+export_mvs",
        "skip_loop_filter": "all",
        "skip_idct": "all",
    }

    def __init__(self, path: Path, index: FrameIndex, timeout: float, transform):
        super().__init__(path, index, timeout, transform)
        with opened(path, timeout) as video:
            self.codec = video.stream.codec.canonical_name
        if self.codec not in CODECS:
            raise UserError(
                f"{path}: its codec {self.codec} has no motion vectors; re-encode it as H.264, "
                "or choose another motion cue"
            )
        self.structure = prediction_structure(path, timeout)

    def stands_for(self, place: int) -> int:
        """The frame whose vectors are used for a frame."""
        if self.codec not in WITHOUT_B:
            return place
        anchor = int(self.structure.next_anchor[place])
        return anchor if anchor >= 0 else place

    def picture(self, video: OpenVideo, place: int, frame: av.VideoFrame) -> np.ndarray:
        size = (frame.width, frame.height)
        self.size = self.size or size
        if size != self.size or size != video.size:
            raise BrokenVideo(
                self.path, "its frames change size, so motion vectors do not fit them"
            )
        vectors = frame.side_data.get(Type.MOTION_VECTORS)
        past, future = int(self.structure.past[place]), int(self.structure.future[place])
        if vectors is None or (future and self.codec in WITHOUT_B):
            field = np.zeros((frame.height, frame.width, 2), np.float32)
        else:
            field = dense(vectors.to_ndarray(), frame.height, frame.width, past, future)
        return np.ascontiguousarray(Orientation.of(frame).applied_to_field(field))


def dense(vectors: np.ndarray, height: int, width: int, past: int, future: int) -> np.ndarray:
    """Converts block vectors to a dense field.

    Args:
        vectors: Structured array of libav's motion vectors, from a block to its content in the
            reference.
        height: Height in pixels.
        width: Width in pixels.
        past: Frames back to the past reference; 0 ignores its vectors.
        future: Frames ahead to the future reference; 0 ignores its vectors.

    Returns:
        float32 `(H, W, 2)`: motion from the previous frame, in pixels.
    """
    rows, columns = -(-height // CELL), -(-width // CELL)
    total = np.zeros((rows, columns, 2), np.float32)
    count = np.zeros((rows, columns, 1), np.float32)
    # If a cell has two vectors in one direction, the later one counts.
    for sign, distance in ((-1, past), (1, future)):
        chosen = vectors[vectors["source"] == sign]
        if not distance or not len(chosen):
            continue
        scale = sign / (distance * chosen["motion_scale"].astype(np.float32))
        motion = np.stack([chosen["motion_x"] * scale, chosen["motion_y"] * scale], axis=-1)
        top = (chosen["dst_y"] - chosen["h"] // 2) // CELL
        left = (chosen["dst_x"] - chosen["w"] // 2) // CELL
        one = np.zeros_like(total)
        there = np.zeros_like(count)
        for down in range(2):
            for right in range(2):
                y, x = top + down, left + right
                inside = (chosen["h"] > CELL * down) & (chosen["w"] > CELL * right)
                inside &= (y >= 0) & (y < rows) & (x >= 0) & (x < columns)
                one[y[inside], x[inside]] = motion[inside]
                there[y[inside], x[inside]] = 1
        total += one
        count += there
    cells = total / np.maximum(count, 1)
    return cells.repeat(CELL, axis=0).repeat(CELL, axis=1)[:height, :width]
