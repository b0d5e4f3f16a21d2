"""Turns videos and frames of any size into model input."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from pan_keras.bundle import Bundle
from pan_keras.clips.clip_shape import ClipShape
from pan_keras.clips.crops import Resize, evaluation_crops, framing
from pan_keras.clips.live_window import LiveWindow
from pan_keras.clips.resizing import resize
from pan_keras.clips.sampling import dense_views, spread_starts, stack_frames
from pan_keras.errors import UserError
from pan_keras.installation import missing_part

FRAME_AXES = 4


def clip_from_video(path: Path | str, shape: ClipShape) -> np.ndarray:
    """Reads a clip from a video file as in evaluation: the middle of each segment, centre crop.

    Args:
        path: A video file.
        shape: Segments, stack, size and resize.

    Returns:
        uint8 `(N, m, H, W, 3)`.

    Raises:
        BrokenVideo: If it cannot be decoded.
    """
    first: np.ndarray = views_from_video(path, shape)[0]
    return first


def views_from_video(
    path: Path | str,
    shape: ClipShape,
    crops: str = "1",
    temporal: int = 1,
    *,
    resize: Resize = resize,
    timeout: float = 30.0,
) -> np.ndarray:
    """Reads the views of a video file as in evaluation.

    Args:
        path: A video file, or a folder of frames.
        shape: Segments, stack, size and resize.
        crops: Views in space: `"1"` the centre, `"3"`, or `"full"`, the centre at `full_size`.
        temporal: Views in time: 1, 2 (twice-sample) or 10 (dense).
        resize: Scales a frame to a height and width by a version.
        timeout: Seconds that reading may take without progress.

    Returns:
        uint8 `(views, N, m, H, W, 3)`: the crops of each sample in time.

    Raises:
        BrokenVideo: If it cannot be decoded.
    """
    try:
        from pan_keras.video import frame_source, read_frames  # noqa: PLC0415 (PyAV)
    except ModuleNotFoundError as error:
        raise missing_part(error) or error from None
    count = len(frame_source(path, timeout))
    starts = (
        dense_views(count, shape.segments)
        if temporal == 10
        else spread_starts(count, shape.segments, shape.stack, temporal)
    )
    framed = partial(framing(shape, crops), resize=resize)

    def read(wanted: np.ndarray) -> np.ndarray:
        return read_frames(path, wanted, timeout=timeout, transform=framed)

    stacks = _stacks(starts, count, read, shape, crops, resize)
    return stacks.reshape(-1, *stacks.shape[2:])


def clip_from_frames(frames: np.ndarray, shape: ClipShape) -> np.ndarray:
    """Makes a clip of frames as in evaluation.

    Args:
        frames: uint8 `(T, h, w, 3)`, RGB, of any number and size.
        shape: Segments, stack, size and resize.

    Returns:
        uint8 `(N, m, H, W, 3)`.

    Raises:
        UserError: If the frames have another shape or dtype.
    """
    check_frames(frames)
    starts = spread_starts(len(frames), shape.segments, shape.stack)
    stacks = _stacks(starts, len(frames), lambda wanted: _framed(frames[wanted], shape), shape)
    return stacks.reshape(shape.array)


def segment_from_frames(frames: np.ndarray, shape: ClipShape) -> np.ndarray:
    """Crops the frames of one segment to the size that a model takes.

    Args:
        frames: uint8 `(m, h, w, 3)`, RGB, of any size.
        shape: Segments, stack, size and resize.

    Returns:
        uint8 `(m, H, W, 3)`.

    Raises:
        UserError: If the frames have another shape or dtype.
    """
    check_frames(frames)
    if len(frames) != shape.stack:
        raise UserError(f"frames: a step takes {shape.stack}, not {len(frames)}")
    if frames.shape[1:3] == shape.size:
        return frames
    return evaluation_crops(_framed(frames, shape), shape, "1", resize)[0]


def frame_for_model(frame: np.ndarray, shape: ClipShape, resize: Resize = resize) -> np.ndarray:
    """Crops the centre of a frame to the size that a model takes.

    Args:
        frame: uint8 `(h, w, 3)`, RGB, of any size.
        shape: Size and resize.
        resize: Scales a frame to a height and width by a version.

    Returns:
        uint8 `(H, W, 3)`.

    Raises:
        UserError: If the frame has another shape or dtype.
    """
    frames = np.asarray(frame)[None]
    check_frames(frames)
    (centre,) = evaluation_crops(_framed(frames, shape, resize), shape, "1", resize)
    return centre.reshape(*shape.size, 3)


def live_window(bundle: Bundle) -> LiveWindow:
    """Creates the window that cuts live frames of any size into segments for a bundle.

    Args:
        bundle: The bundle.

    Returns:
        A new window.

    Raises:
        UserError: If the bundle lacks the rate and stride of live video.

    Example:
        >>> window = live_window(Bundle.open("runs/demo/bundle"))
        >>> for frame, seconds in camera:
        ...     for segment in window.push(frame, seconds):
        ...         frames = segment.frames  # (m, H, W, 3)
    """
    return LiveWindow(bundle.live_sampling, partial(frame_for_model, shape=bundle.shape))


def check_frames(frames: np.ndarray) -> None:
    """Raises UserError unless these are 8-bit RGB frames."""
    shape, dtype = np.shape(frames), getattr(frames, "dtype", type(frames))
    if len(shape) != FRAME_AXES or shape[-1] != 3 or 0 in shape or dtype != np.uint8:
        raise UserError(f"frames: {dtype} {shape}; give uint8 (frames, height, width, 3), RGB")


def _framed(frames: np.ndarray, shape: ClipShape, resize: Resize = resize) -> np.ndarray:
    return np.stack([framing(shape)(frame, resize) for frame in frames])


def _stacks(
    starts: np.ndarray,
    count: int,
    read: Callable[[np.ndarray], np.ndarray],
    shape: ClipShape,
    crops: str = "1",
    resize: Resize = resize,
) -> np.ndarray:
    """`(samples, crops, N, m, H, W, 3)`; each frame is read once."""
    wanted, places = np.unique(stack_frames(starts, count, shape.stack), return_inverse=True)
    cut = evaluation_crops(read(wanted), shape, crops, resize)
    return np.stack([frames[places] for frames in cut], axis=1)
