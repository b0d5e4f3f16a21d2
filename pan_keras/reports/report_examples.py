"""Clips as the network sees them: frames, motion cues and timescale weights."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from pan_keras.clips.framing import framing
from pan_keras.data import Clip
from pan_keras.evaluation.results import ClipResult
from pan_keras.input import FrameStore, evaluation_dataset
from pan_keras.runs.run import Run


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
