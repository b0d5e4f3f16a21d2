"""Real clips to calibrate by and to compare on."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from pathlib import Path

import numpy as np

from pan_keras.data import (
    BrokenVideo,
    Clip,
    ClipShape,
    FrameStore,
    VideoData,
    clip_views,
    open_data,
)
from pan_keras.deploy.recipe import Recipe
from pan_keras.deploy.source import Source
from pan_keras.errors import UserError
from pan_keras.training.train import open_run_data

Calibration = str | Path | Iterable[np.ndarray] | None


@dataclass(frozen=True)
class ExportClips:
    """The clips of an export; `export_clips` finds them.

    Args:
        calibration: uint8 clips `(N, m, H, W, 3)` by which int8 ranges are found.
        check: uint8 clips of the same form on which all formats are compared.
        data: Where they come from, for people.
        videos: The data of the run, if they are known: what accuracy is measured on.
    """

    calibration: Sequence[np.ndarray]
    check: Sequence[np.ndarray]
    data: str
    videos: VideoData | None


def export_clips(source: Source, recipe: Recipe, calibration: Calibration = None) -> ExportClips:
    """Finds the clips of an export.

    Calibration takes training clips, the comparison validation clips and, where these are too few,
    training clips; of every class alike, as evaluation sees them. Where the videos are too few,
    several views of each are taken.

    Args:
        source: What is exported.
        recipe: How many clips of which data.
        calibration: Card, folder or CSV; or clips uint8 `(N, m, H, W, 3)`; by default what the
            recipe says, and else the data of the run.

    Raises:
        UserError: If there are no such data, or too few clips to compare on.
    """
    own = _own_data(source)
    if calibration is not None and not isinstance(calibration, (str, Path)):
        given = [_checked(clip, source.shape) for clip in calibration]
        _refuse_few(len(given), recipe, "calibration")
        check = given[: recipe.check.clips]
        return ExportClips(given, check, f"{len(given)} clips that were given", own)
    name = calibration or recipe.calibration.data
    if not name and own is None:
        raise UserError(
            f"{source.name}: nothing is known of its data; name videos by --calibration to "
            "calibrate by and compare on"
        )
    videos = own if own is not None and not name else _opened(source, recipe, name)
    training = videos.clips("train") or videos.all_clips
    wanted = max(recipe.calibration.clips, 1)
    found = list(islice(_views(training, source.shape, wanted), wanted))
    candidates = (*_alike(videos.clips("val")), *_alike(training))
    check = list(islice(_views(candidates, source.shape, recipe.check.clips), recipe.check.clips))
    _refuse_few(len(check), recipe, videos.source)
    return ExportClips(found, check, videos.source, own)


def _own_data(source: Source) -> VideoData | None:
    # A run that was converted, not trained, names no data.
    if source.run is None or not source.run.config.data.source:
        return None
    return open_run_data(source.run.config)


def _opened(source: Source, recipe: Recipe, name: str | Path) -> VideoData:
    seed = 0 if source.run is None else source.run.config.data.split_seed
    return open_data(name, recipe.calibration.root or None, split_seed=seed)


def _checked(clip: np.ndarray, shape: ClipShape) -> np.ndarray:
    if np.shape(clip) != shape.array or getattr(clip, "dtype", None) != np.uint8:
        raise UserError(
            f"calibration: a clip is {getattr(clip, 'dtype', type(clip).__name__)} "
            f"{np.shape(clip)}; the model takes uint8 {shape.array}"
        )
    return clip


def _refuse_few(count: int, recipe: Recipe, where: str) -> None:
    if count < recipe.check.clips:
        raise UserError(
            f"{where}: {count} clips to compare on, fewer than {recipe.check.clips}; give more "
            "videos by --calibration"
        )


def _alike(clips: Sequence[Clip]) -> list[Clip]:
    """One clip of each class, then the second of each, and so on."""
    classes = defaultdict(list)
    for clip in clips:
        classes[clip.label].append(clip)
    return [clip for row in zip_longest(*classes.values()) for clip in row if clip is not None]


def _views(clips: Sequence[Clip], shape: ClipShape, wanted: int) -> Iterator[np.ndarray]:
    """Views of clips in order, several of each where one is not enough."""
    store = FrameStore(resize=shape.resize, cache="none")
    crops, temporal = ("1", 1) if len(clips) >= wanted else ("3", 2)

    def views(clip: Clip) -> np.ndarray:
        try:
            return clip_views(clip, shape, store, crops, temporal)
        except BrokenVideo:
            return np.empty((0, *shape.array), np.uint8)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # In portions, so that no more is decoded than is taken.
        portions = (clips[start : start + 8] for start in range(0, len(clips), 8))
        yield from chain.from_iterable(
            chain.from_iterable(pool.map(views, portion) for portion in portions)
        )
