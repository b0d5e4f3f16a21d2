"""Motion fields of videos, computed once and stored on disk."""

from collections.abc import Sequence
from pathlib import Path

import av
import cv2
import numpy as np

from pan_keras.clips.clip_shape import FIELDS, ClipShape, MotionField
from pan_keras.clips.crops import Framing, framing
from pan_keras.clips.fields import RANGE, resize_field, to_bytes
from pan_keras.errors import UserError
from pan_keras.flow import OpticalFlow
from pan_keras.input.frame_store import FrameStore
from pan_keras.video.motion_vectors import motion_vectors

# Increase when the same file would give different fields.
FIELD_VERSION = 1
PORTION = 64  # pairs of frames
# OpenCV methods whose name differs from that of the cue.
PRESETS = {"dis": "dis_medium"}


class FieldStore(FrameStore):
    """Stores the motion field from each frame of a video to the next, as bytes. Thread-safe.

    Flow is computed on the resized frames; the codec's vectors are read at full size and scaled,
    each on the grid of the later frame. The last frame has no motion. A clip takes two thirds of
    the bytes of its frames. Stored fields are valid for the same file, size, method and version of
    OpenCV or libav.

    Args:
        resize: As for `FrameStore`.
        field: Method that computes the fields.
        cache: As for `FrameStore`.
        folder: As for `FrameStore`; may be the folder of the frames.
        keeps: Whether clips that are not on disk are computed in full and stored; otherwise
            requested fields are computed each time.
        memory_limit: As for `FrameStore`.
        timeout: As for `FrameStore`.

    Raises:
        UserError: If `field` or `cache` is unknown, or the installed OpenCV lacks the method.

    Example:
        >>> store = FieldStore(84, "dis", cache="disk", folder="runs/flow/cache")
        >>> store.frames(Path("wave.mp4"), np.array([0, 1])).shape
        (2, 84, 84, 2)

    References:
        PAN paper, Table II. Wang et al., "Temporal Segment Networks", ECCV 2016.
    """

    def __init__(
        self,
        resize: int | Framing,
        field: MotionField,
        cache: str = "none",
        folder: Path | str | None = None,
        *,
        keeps: bool = True,
        memory_limit: int | None = None,
        timeout: float = 30.0,
    ):
        super().__init__(resize, cache, folder, memory_limit=memory_limit, timeout=timeout)
        if field not in FIELDS:
            raise UserError(f"cue: {field!r} is not one of {', '.join(FIELDS)}")
        self.field = field
        self._keeps = keeps
        self._flow = None if field == "vectors" else OpticalFlow(PRESETS.get(field, field))

    def frames(self, path: Path, indices: np.ndarray) -> np.ndarray:
        """Returns the fields from frames to their successors.

        Args:
            path: A video file.
            indices: Frame numbers from 0.

        Returns:
            uint8 `(len(indices), h, w, 2)`, encoded by `pan_keras.clips.fields.to_bytes`.

        Raises:
            BrokenVideo: If it cannot be read; its name is added to `broken`.
            UserError: If the file has no vectors, or the disk is full; also stored as `failure`.
        """
        return super().frames(path, indices)

    def _from_disk(self, path: Path, indices: np.ndarray) -> np.ndarray:
        if self._keeps:
            return super()._from_disk(path, indices)
        stored = self._load(self._file(path))
        return self._decoded(path, indices) if stored is None else np.array(stored[indices])

    def _identity(self, path: Path) -> tuple[object, ...]:
        library = av.library_versions if self._flow is None else cv2.__version__
        return (*super()._identity(path), self.field, RANGE, FIELD_VERSION, library)

    def _decoded(self, path: Path, indices: np.ndarray) -> np.ndarray:
        last = self.count(path) - 1
        starts, places = np.unique(indices, return_inverse=True)
        moving = starts[starts < last].tolist()
        fields = self._vectors(path, moving) if self._flow is None else self._flows(path, moving)
        if len(moving) < len(starts):
            size = fields[0].shape if fields else (*self._frames(path, [last]).shape[1:3], 2)
            fields.append(to_bytes(np.zeros(size)))
        return np.stack(fields)[places]

    def _vectors(self, path: Path, starts: Sequence[int]) -> list[np.ndarray]:
        if not starts:
            return []
        later = [start + 1 for start in starts]

        def framed(field: np.ndarray) -> np.ndarray:
            return to_bytes(self.framing(field, resize_field))

        return list(
            self._patiently(
                path, lambda limit: motion_vectors(path, later, timeout=limit, transform=framed)
            )
        )

    def _flows(self, path: Path, starts: Sequence[int]) -> list[np.ndarray]:
        assert self._flow is not None
        found = []
        # In portions, so that not all frames of a long clip are in memory.
        for first in range(0, len(starts), PORTION):
            part = starts[first : first + PORTION]
            wanted = sorted({*part, *(start + 1 for start in part)})
            frames = dict(zip(wanted, self._frames(path, wanted), strict=True))
            found += [to_bytes(self._flow(frames[start], frames[start + 1])) for start in part]
        return found

    def _frames(self, path: Path, indices: Sequence[int]) -> np.ndarray:
        return super()._decoded(path, np.array(indices))


def clip_store(
    shape: ClipShape,
    cache: str = "none",
    folder: Path | str | None = None,
    *,
    crops: str = "1",
    keeps: bool = True,
) -> FrameStore:
    """Creates the store for a model's input: frames or motion fields.

    Args:
        shape: Shape of the model's clips.
        cache: As for `FrameStore`.
        folder: As for `FrameStore`.
        crops: The views to crop.
        keeps: As for `FieldStore`.

    Returns:
        A `FieldStore` for a shape with a field, else a `FrameStore`.

    Example:
        >>> clip_store(ClipShape(8, 4, (72, 96), 84, field="dis"), "disk", "cache").field
        'dis'
    """
    if shape.field is None:
        return FrameStore(framing(shape, crops), cache, folder)
    return FieldStore(framing(shape, crops), shape.field, cache, folder, keeps=keeps)
