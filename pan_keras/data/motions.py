"""Generates the embedded data set `motions`: video files of eight motions, from a seed."""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pan_keras.data.motions_scene import MOTIONS, Scene, draw_scene
from pan_keras.errors import UserError
from pan_keras.files import replacing
from pan_keras.video.writer import writing_video

INFO = "motions.json"
# Increase this when the frames of a given seed change.
VERSION = 1
# Splits of every six clips of a class.
SPLIT_PATTERN = ("train", "val", "test", "train", "train", "train")
SPLIT_SEEDS = {"train": 0, "val": 1, "test": 2}
FEWEST = 3 * len(MOTIONS)
# One thread and no macroblock tree make the encoding deterministic. Fine quantisation avoids
# artefacts behind moving edges, which would reveal the direction in a single frame.
ENCODING = {"crf": "16", "preset": "veryfast", "threads": "1", "x264-params": "mbtree=0"}

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class _Order:
    """A file to generate."""

    path: Path
    motion: str
    seed: tuple[int, ...]


def make_motions(
    folder: Path | str, *, clips: int = 1200, seed: int = 0, progress: Progress | None = None
) -> Path:
    """Generates the embedded data set as H.264 files, `SPLIT/CLASS/CLASS_0000.mp4`.

    Two thirds of the clips are for training and a sixth each for val and test, from disjoint seeds.
    The same seed gives the same frames, and a larger data set begins with the clips of a smaller
    one. An interrupted call is completed by the next.

    Args:
        folder: Output folder, created if missing.
        clips: Number of clips.
        seed: Random seed.
        progress: Called with the task, the number done and the total.

    Returns:
        The folder.

    Raises:
        UserError: If there are too few clips for the classes and splits, the folder has other
            content, or the disk is full.

    Example:
        >>> make_motions("data/motions", clips=48, seed=7).name
        'motions'
    """
    if clips < FEWEST:
        raise UserError(
            f"clips: {clips} are too few for a clip per class and split; make {FEWEST} or more"
        )
    if seed < 0:
        raise UserError(f"seed: {seed} is negative; give 0 or more")
    folder = Path(folder)
    info = {"data_set": "motions", "version": VERSION, "clips": clips, "seed": seed}
    _claim(folder, info)
    orders = [order for order in _orders(folder, clips, seed) if not order.path.exists()]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, _ in enumerate(pool.map(_make, orders), 1):
            if progress:
                progress("making motions", done, len(orders))
    return folder


def ensure_motions(folder: Path, *, clips: int = 1200, progress: Progress | None = None) -> None:
    """Generates the data set if it is missing, or completes an unfinished one.

    A folder with other content is left unchanged.

    Args:
        folder: The folder.
        clips: Number of clips of a new data set.
        progress: As for `make_motions`.

    Raises:
        UserError: As `make_motions`.

    Example:
        >>> ensure_motions(Path("data/motions"), clips=48)
    """
    if (folder / INFO).exists():
        info = _read_info(folder / INFO)
        make_motions(folder, clips=info["clips"], seed=info["seed"], progress=progress)
    elif not folder.is_dir() or not any(folder.iterdir()):
        make_motions(folder, clips=clips, progress=progress)


def write_video(path: Path, scene: Scene) -> None:
    """Encodes a scene as H.264 in mp4.

    Args:
        path: File to write.
        scene: Frames and their rate.

    Raises:
        UserError: If the disk is full.
    """
    with writing_video(path, scene.rate, ENCODING) as write:
        for pixels in scene.frames:
            write(pixels)


def _make(order: _Order) -> None:
    write_video(order.path, draw_scene(order.motion, np.random.default_rng(order.seed)))


def _orders(folder: Path, clips: int, seed: int) -> list[_Order]:
    orders = []
    names = tuple(MOTIONS)
    for i in range(clips):
        number, label = divmod(i, len(names))
        split = SPLIT_PATTERN[number % len(SPLIT_PATTERN)]
        path = folder / split / names[label] / f"{names[label]}_{number:04d}.mp4"
        orders.append(_Order(path, names[label], (seed, SPLIT_SEEDS[split], label, number)))
    return orders


def _claim(folder: Path, info: dict) -> None:
    """Records the folder's intended content, or checks that an existing record is the same."""
    file = folder / INFO
    if file.exists():
        if _read_info(file) != info:
            raise UserError(
                f"{folder}: it holds motions with another number, seed or version; remove it or "
                "name another folder"
            )
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder}: it is not an empty folder; name another")
    with replacing(file) as temporary:
        temporary.write_text(json.dumps(info, indent=1), encoding="utf-8")


def _read_info(file: Path) -> dict:
    try:
        info = json.loads(file.read_text(encoding="utf-8"))
        return {key: info[key] for key in ("data_set", "version", "clips", "seed")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file}: it is damaged; remove its folder and make it again") from error
