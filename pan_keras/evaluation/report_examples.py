"""Clips as the network sees them: frames, motion cues and timescale weights."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import matplotlib as mpl
import numpy as np

from pan_keras.data import Clip, FrameStore, evaluation_dataset
from pan_keras.data.framing import framing
from pan_keras.evaluation.evaluation_result import ClipResult
from pan_keras.training.run import Run

STRIP_HEIGHT = 96  # pixels of a picture on the page


@dataclass(frozen=True)
class Example:
    """One clip and what the network makes of it on the way to its answer.

    Attributes:
        result: What the clip is and what it was taken for.
        frames: (N, H, W, 3) uint8, the first frame of each segment.
        motion: (N, H, W) float, the mean of a segment's motion maps (PA); `None` for a network
            without.
        weights: (T,) float, the weights w of the timescales (Eq. 13); `None` for a network
            without VAP.
    """

    result: ClipResult
    frames: np.ndarray
    motion: np.ndarray | None
    weights: np.ndarray | None


def choose(results: Sequence[ClipResult], each: int = 3) -> list[ClipResult]:
    """Clips to show: right ones of different classes, and the worst of the wrong ones.

    Args:
        results: All clips of an evaluation.
        each: Clips of either kind.
    """
    first_right: dict[str, ClipResult] = {}
    for result in results:
        if result.truth == result.predicted:
            first_right.setdefault(result.truth, result)
    right = list(first_right.values())
    spread = np.linspace(0, len(right) - 1, min(each, len(right))).round().astype(int)
    wrong = [result for result in results if result.truth != result.predicted]
    wrong.sort(key=lambda result: result.truth_probability)
    return [right[number] for number in spread] + wrong[:each]


def examples(run: Run, model: keras.Model, results: Sequence[ClipResult]) -> Iterator[Example]:
    """Runs clips through a network and keeps what is worth seeing.

    Args:
        run: The run the network belongs to.
        model: Its network.
        results: Clips to show; those that can no longer be read are left out.
    """
    clips = [Clip(Path(result.path), label=0, split="test") for result in results]
    store = FrameStore(framing(run.shape))
    dataset = evaluation_dataset(
        clips, run.shape, batch=1, crops="1", temporal=1, store=store, workers=1
    )
    for frames, index in dataset.as_numpy_iterator():
        # In a network of several branches the names have those of the branches in front; the first
        # branch that has the tensor is shown.
        found: dict[str, np.ndarray] = {}
        for path, value in model.intermediates(frames).items():
            name = path.rpartition("/")[2]
            if name in ("motion", "weights") and name not in found:
                found[name] = keras.ops.convert_to_numpy(value)[0].astype("float32")
        motion = found.get("motion")
        yield Example(
            results[int(index[0])],
            frames[0, :, 0],
            None if motion is None else motion.mean(axis=-1),
            found.get("weights"),
        )


def frame_strip(frames: np.ndarray) -> bytes:
    """Frames side by side as one JPEG file.

    Args:
        frames: (N, H, W, 3) uint8.
    """
    strip = side_by_side(frames)
    return cv2.imencode(".jpg", strip[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()


def motion_strip(motion: np.ndarray) -> bytes:
    """Motion maps side by side as one PNG file.

    Args:
        motion: (N, H, W), as for `coloured`.
    """
    return png(side_by_side(coloured(motion)))


def coloured(motion: np.ndarray) -> np.ndarray:
    """Motion maps in colours, bright where much moves: uint8 (N, H, W, 3).

    Args:
        motion: (N, H, W); the clip's own range becomes the range of the colours, but for the
            brightest two in a thousand, which would darken all else.
    """
    low, high = motion.min(), np.quantile(motion, 0.998)
    share = np.clip((motion - low) / max(high - low, 1e-12), 0, 1)
    return mpl.colormaps["inferno"](share, bytes=True)[..., :3]


def side_by_side(pictures: np.ndarray) -> np.ndarray:
    """Pictures (N, H, W, 3) in one row, no higher than the page shows them."""
    return np.hstack([_small(picture) for picture in pictures])


def png(picture: np.ndarray) -> bytes:
    """A picture, uint8 (H, W, 3), as a PNG file."""
    return cv2.imencode(".png", picture[..., ::-1])[1].tobytes()


def _small(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    if height <= STRIP_HEIGHT:
        return picture
    size = (max(1, round(width * STRIP_HEIGHT / height)), STRIP_HEIGHT)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
