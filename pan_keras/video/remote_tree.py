"""Finds clips in a listed folder of remote storage, as `folder_tree` does in folders on disk."""

from pathlib import Path

from pan_keras.errors import UserError
from pan_keras.remote.addresses import address_of, displayed, is_remote, local_path
from pan_keras.remote.cache import list_objects, state_of
from pan_keras.remote.store import MissingObject, ObjectState
from pan_keras.video.folder_tree import (
    CLIP_INDEX,
    VIDEO_SUFFIXES,
    Folder,
    is_hidden,
    path_order,
)
from pan_keras.video.frame_folder import is_frame
from pan_keras.video.remote_frames import LISTABLE
from pan_keras.video.shard_file import MANIFEST, SUFFIX, open_shard, shard_of

Listed = dict[Path, dict[str, ObjectState]]


def listed_tree(root: Path, listed: Listed) -> Folder:
    """Returns the tree of a listed folder.

    Args:
        root: Its path in the cache.
        listed: The objects below it by folder and name, from `list_objects`.
    """
    below: dict[Path, list[Path]] = {}

    def add(place: Path) -> None:
        if place not in below:
            below[place] = []
            if place != root:
                add(place.parent)
                below[place.parent].append(place)

    for place in (root, *listed):
        add(place)
    return _tree(root, below, listed)


def remote_clips(address: str) -> list[Path]:
    """Lists the clips of an address: a video, a folder of frames, shards, or a folder of videos.

    Args:
        address: Such as `s3://bucket/wave.mp4`.

    Returns:
        Paths of the cache.

    Raises:
        UserError: If it cannot be accessed or holds no video.
    """
    path = local_path(address)
    if shard_of(path) is not None:
        return [path]
    if path.suffix == SUFFIX:
        state_of(path)
        shard = open_shard(path)
        return [shard.clip_path(clip) for clip in shard.clips]
    if path.suffix.lower() in VIDEO_SUFFIXES or not address.startswith(LISTABLE):
        state_of(path)
        return [path]
    try:
        listed = list_objects(address)
    except MissingObject:
        state_of(path)  # an object may have any name
        return [path]
    own = listed.get(path, {})
    if MANIFEST in own:
        files = sorted(path / name for name in own if name.endswith(SUFFIX))
        return [shard.clip_path(clip) for shard in map(open_shard, files) for clip in shard.clips]
    tree = listed_tree(path, listed)
    found = [path] if tree.is_clip else sorted(tree.all_videos(), key=path_order)
    if not found:
        raise UserError(f"{address_of(path)}: no videos found; name videos or a folder of videos")
    return found


def one_clip(video: str | Path) -> Path:
    """Returns the path of a clip given by its path or address.

    Args:
        video: A video, a folder of frames, or the address of one.

    Returns:
        The path as it is; for an address, the path of the cache.

    Raises:
        UserError: If an address cannot be accessed, or holds no clip or several.

    Example:
        >>> one_clip("wave.mp4")
        PosixPath('wave.mp4')
    """
    if not is_remote(video):
        return Path(video)
    clips = remote_clips(str(video))
    if len(clips) > 1:
        raise UserError(
            f"{displayed(video)}: holds {len(clips)} clips; name one, such as {displayed(clips[0])}"
        )
    return clips[0]


def _tree(place: Path, below: dict[Path, list[Path]], listed: Listed) -> Folder:
    found, frames = Folder(place), 0
    for name in sorted(listed.get(place, ())):
        path = place / name
        if is_hidden(name):
            found.strays["hidden files"] += not name.startswith(CLIP_INDEX)
        elif path.suffix.lower() in VIDEO_SUFFIXES:
            found.videos.append(path)
        elif is_frame(name):
            frames += 1
        elif path not in below:  # some programs make an empty object for each folder
            found.strays["files that are not videos"] += 1
    for inner in sorted(below[place]):
        if is_hidden(inner.name):
            found.strays["hidden files"] += _count(inner, below, listed)
        else:
            found.add_folder(_tree(inner, below, listed))
    found.add_frames(frames)
    return found


def _count(place: Path, below: dict[Path, list[Path]], listed: Listed) -> int:
    inner = sum(_count(each, below, listed) for each in below[place])
    return len(listed.get(place, ())) + inner
