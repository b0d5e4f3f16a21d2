"""Clips of an export: for int8 calibration, comparison and accuracy."""

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from pan_keras.clips import ClipShape
from pan_keras.clips.crops import framing
from pan_keras.config.config import DataConfig
from pan_keras.data import SPLITS, Clip, VideoData, open_data
from pan_keras.data.official_folds import fold_for
from pan_keras.deploy.recipe import Recipe
from pan_keras.deploy.source import Source
from pan_keras.errors import UserError
from pan_keras.input import FrameStore, clip_views
from pan_keras.runs.run_data import open_run_data
from pan_keras.video import BrokenVideo

Calibration = str | Path | Iterable[np.ndarray] | None

DRAWN = (
    "training clips drawn with a seed, evenly over the classes as far as possible, without the "
    "clips "
    "that were checked or measured"
)
GIVEN = "clips given by the caller, drawn with the seed, without those that were checked"
# Crops and temporal samples by number of views per clip. The ten dense views are left out: in a
# short video they wrap around to the start, a jump that is no real motion.
VIEWS = {1: ("1", 1), 2: ("1", 2), 6: ("3", 2)}
VIEWS_OF_WHOLE_FRAMES = {1: ("1", 1), 2: ("1", 2), 10: ("1", 10)}
PORTION = 8  # clips decoded at a time, until there are enough


@dataclass(frozen=True)
class ExportClips:
    """The clips of an export, selected by `export_clips`.

    Calibration clips never come from a video that is compared on or measured.

    Args:
        calibration: uint8 clips `(N, m, H, W, 3)` for calibrating int8; none without an int8 file.
        check: uint8 clips of the same shape on which all formats are compared.
        data: Origin of the clips, for people.
        videos: The data of the run, if known.
        measured: The clips of these data on which accuracy is measured.
        drawn: How the calibration clips were chosen, ready for JSON.
        notes: Notes for the user, one sentence each.
    """

    calibration: Sequence[np.ndarray]
    check: Sequence[np.ndarray]
    data: str
    videos: VideoData | None
    measured: Sequence[Clip] = ()
    drawn: dict[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()


def export_clips(source: Source, recipe: Recipe, calibration: Calibration = None) -> ExportClips:
    """Selects the clips of an export.

    Calibration uses training clips, drawn by the recipe's seed over all classes. The comparison
    uses validation clips and, if these are too few, training clips not used for calibration.
    Accuracy is measured on the recipe's split, without calibration clips. If there are too few
    videos, several views of each are taken.

    Args:
        source: The model to export.
        recipe: The number of clips and their data.
        calibration: Card, folder or CSV; or clips uint8 `(N, m, H, W, 3)`; by default the recipe's
            data, or else the data of the run.

    Raises:
        UserError: If there are no such data, or too few clips to compare on, measure or calibrate
            with.
    """
    own, changes = _own_data(source)
    measured = _measured(source, recipe, own)
    if calibration is not None and not isinstance(calibration, (str, Path)):
        found = _of_given_clips(source, recipe, calibration, own, measured)
        return replace(found, notes=(*changes, *found.notes))
    name = calibration or recipe.calibration.data
    if not name and own is None:
        raise UserError(
            f"{source.name}: its data are unknown; name videos with --calibration to "
            "calibrate and compare on"
        )
    videos = own if own is not None and not name else _opened(source, recipe, name)
    order = _balanced(videos.clips("train") or videos.all_clips, recipe.calibration.seed)
    validation = _balanced(videos.clips("val"), recipe.calibration.seed)
    wanted = recipe.calibration.clips if _quantised(recipe) else 0
    pool = _pool(order, validation, measured, recipe.check.clips)
    calibrating = _views(pool, source.shape, wanted)
    used = {_real(clip) for clip, _ in calibrating}
    rest = [clip for clip in (*validation, *order) if _real(clip) not in used]
    check = _views(rest, source.shape, recipe.check.clips)
    _refuse_few(len(check), recipe, videos.source)
    if wanted and not calibrating:
        raise UserError(
            f"{videos.source}: no clips are left to calibrate int8 besides those that are checked "
            "or measured; give more videos with --calibration"
        )
    left = [clip for clip in measured if _real(clip) not in used]
    if measured and not left:
        raise UserError(
            f"{videos.source}: every clip of {recipe.export.evaluate} is used to calibrate int8, "
            "so none is left to evaluate on; give other videos with --calibration"
        )
    classes = {clip.label for clip, _ in calibrating}
    drawn = {"videos": len(used), "classes": len(classes), "seed": recipe.calibration.seed}
    return ExportClips(
        [views for _, views in calibrating],
        [views for _, views in check],
        videos.source,
        own,
        left,
        {**drawn, "rule": DRAWN} if wanted else {},
        (*changes, *_notes(len(used), len(calibrating), wanted, len(measured) - len(left))),
    )


def _of_given_clips(
    source: Source,
    recipe: Recipe,
    given: Iterable[np.ndarray],
    own: VideoData | None,
    measured: Sequence[Clip],
) -> ExportClips:
    clips = [_checked(clip, source.shape) for clip in given]
    _refuse_few(len(clips), recipe, "calibration")
    generator = np.random.default_rng(recipe.calibration.seed)
    check, calibrating = np.split(generator.permutation(len(clips)), [recipe.check.clips])
    if _quantised(recipe) and not len(calibrating):
        raise UserError(
            f"calibration: {len(clips)} clips, all of which are used for the comparison; give "
            f"more than {recipe.check.clips}, preferably a hundred more, to calibrate int8 on "
            "the others"
        )
    wanted = recipe.calibration.clips if _quantised(recipe) else 0
    calibrating = calibrating[:wanted]
    drawn = {"seed": recipe.calibration.seed, "rule": GIVEN} if wanted else {}
    return ExportClips(
        [clips[place] for place in calibrating],
        [clips[place] for place in check],
        f"{len(clips)} clips that were given",
        own,
        measured,
        drawn,
        _notes(len(calibrating), len(calibrating), wanted, 0),
    )


def _own_data(source: Source) -> tuple[VideoData | None, Sequence[str]]:
    """Returns the clips of the run, and what changed in its data since it began."""
    # A run converted from a checkpoint names no data.
    if source.run is None or not source.run.config.data.source:
        return None, ()
    found = open_run_data(source.run)
    return found.videos, (*found.news(source.run), *found.notes)


def _measured(source: Source, recipe: Recipe, videos: VideoData | None) -> list[Clip]:
    """Returns the clips of the recipe's split; none if the data are unknown."""
    split = recipe.export.evaluate
    if videos is None or split == "none":
        return []
    clips = [clip for name in SPLITS if split in (name, "all") for clip in videos.clips(name)]
    if not clips:
        raise UserError(f"{videos.source}: no clips of {split}; choose another --evaluate")
    if tuple(videos.classes) != source.labels:
        raise UserError(
            f"{videos.source}: its classes differ from those of {source.name}; "
            "give data with the same classes"
        )
    return clips


def _opened(source: Source, recipe: Recipe, name: str | Path) -> VideoData:
    data = DataConfig() if source.run is None else source.run.config.data
    root, fold = recipe.calibration.root or None, fold_for(name, data.fold)
    return open_data(name, root, split_seed=data.split_seed, fold=fold)


def _quantised(recipe: Recipe) -> bool:
    return "int8" in recipe.export.precisions


def _pool(
    order: Sequence[Clip], validation: Sequence[Clip], measured: Sequence[Clip], check: int
) -> list[Clip]:
    """Returns the clips available for calibration.

    Measured clips are excluded; if all are measured, half are used for calibration. If there are
    too few validation clips to compare on, clips are left for that, but never more than half.
    """
    kept = {_real(clip) for clip in measured}
    free = [clip for clip in order if _real(clip) not in kept]
    half = (len(order) + 1) // 2
    if not free:
        return list(order[:half])
    here = {_real(clip) for clip in validation}
    free = [clip for clip in free if _real(clip) not in here] or free
    missing = max(0, check - len(validation))
    return free[: max(len(free) - missing, (len(free) + 1) // 2)]


def _balanced(clips: Sequence[Clip], seed: int) -> list[Clip]:
    """Orders clips at random: one of each class, then a second of each, and so on."""
    generator = np.random.default_rng(seed)
    classes = defaultdict(list)
    for place in generator.permutation(len(clips)):
        classes[clips[place].label].append(clips[place])
    return [clip for row in zip_longest(*classes.values()) for clip in row if clip is not None]


def _views(clips: Sequence[Clip], shape: ClipShape, wanted: int) -> list[tuple[Clip, np.ndarray]]:
    """Returns views of clips in order, several of each, evenly, if one is not enough."""
    each = -(-wanted // max(len(clips), 1))
    known = VIEWS if shape.fit == "crop" else VIEWS_OF_WHOLE_FRAMES
    crops, temporal = known[min((n for n in known if n >= each), default=max(known))]
    store = FrameStore(framing(shape))

    def views(clip: Clip) -> list[tuple[Clip, np.ndarray]]:
        try:
            found = clip_views(clip, shape, store, crops, temporal)
        except BrokenVideo:
            return []
        places = np.linspace(0, len(found) - 1, min(each, len(found))).round().astype(int)
        return [(clip, found[place].copy()) for place in places]

    rows: list[list[tuple[Clip, np.ndarray]]] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # In portions, to decode few more clips than needed.
        for start in range(0, len(clips), PORTION):
            if sum(map(len, rows)) >= wanted:
                break
            rows += pool.map(views, clips[start : start + PORTION])
    turns = chain.from_iterable(zip_longest(*rows))
    return [view for view in turns if view is not None][:wanted]


def _real(clip: Clip) -> Path:
    """Returns the file of a clip, with links resolved."""
    return clip.path.resolve()


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
            "videos with --calibration"
        )


def _notes(videos: int, clips: int, wanted: int, unmeasured: int) -> list[str]:
    notes = []
    if videos < wanted:
        views = f" ({clips} views)" if clips > videos else ""
        notes.append(
            f"int8 is calibrated on {videos} clips{views}, fewer than the {wanted} of the recipe; "
            "--calibration names more"
        )
    if unmeasured:
        notes.append(f"{unmeasured} clips are used to calibrate int8 and left out of the accuracy")
    return notes
