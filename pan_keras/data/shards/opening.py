"""Opens a folder of shards as a data set."""

from pathlib import Path

from pan_keras.data.card import CARD, load_card
from pan_keras.data.clip import Clip
from pan_keras.data.shards.manifest import check_clips, describe_pixels, read_manifest
from pan_keras.data.video_data import VideoData
from pan_keras.errors import UserError
from pan_keras.video import VideoInfo


def open_shards(folder: Path, fold: int | None = None) -> VideoData:
    """Opens a folder of shards, with the classes and splits of the data that it was made of.

    Sizes and lists of all shards are checked, records only when they are read: ArrayRecord compares
    each with its checksum. `check_shards` compares whole files with their digests.

    Args:
        folder: The folder, as `shard_data` writes it.
        fold: The official fold that is asked for, which must be that of the shards.

    Returns:
        The data set.

    Raises:
        UserError: If the folder is damaged or incomplete, or holds another fold.
        ModuleNotFoundError: If array-record is not installed.

    Example:
        >>> data = open_shards(Path("shards"))
        >>> len(data.clips("train")), data.shards["quality"]
        (32, 95)
    """
    require_array_record()
    manifest = read_manifest(folder)
    stored_fold = manifest.plan.get("fold")
    if fold not in (None, stored_fold):
        held = "no official fold" if stored_fold is None else f"the official fold {stored_fold}"
        raise UserError(
            f"{folder}: these shards hold {held}; make shards of fold {fold}, or leave the fold out"
        )
    shards = manifest.opened()
    check_clips(manifest, shards)
    number = {name: label for label, name in enumerate(manifest.classes)}
    stored = [(shard.clip_path(clip), clip) for shard in shards for clip in shard.clips]
    if not stored:
        raise UserError(f"{folder}: its shards hold no clips; make them again")
    return VideoData(
        source=str(folder),
        card=load_card(folder) if (folder / CARD).is_file() else None,
        classes=manifest.classes,
        all_clips=tuple(Clip(path, number[clip.label], clip.split) for path, clip in stored),
        skipped=(),
        infos={
            path: VideoInfo(clip.frames, clip.rate, clip.width, clip.height, 0)
            for path, clip in stored
        },
        ignored={},
        split_origin=manifest.split_origin,
        warnings=(
            f"the frames are those of shards ({describe_pixels(manifest.preprocessing)}), "
            "not of the videos themselves",
            *manifest.warnings,
        ),
        columns={path: clip.columns for path, clip in stored if clip.columns},
        shards=manifest.facts,
    )


def require_array_record() -> None:
    """Raises `ModuleNotFoundError` if array-record is not installed."""
    import array_record.python.array_record_module  # noqa: F401, PLC0415
