"""Summarises the frame sizes of a data set and what a crop removes."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pan_keras.clips.crops import largest_window

LISTED = 4  # maximum number of sizes and shapes to list individually
SHAPES = ("1:1", "5:4", "4:3", "3:2", "16:9", "2:1", "21:9")
SAME_SHAPE = 0.02
MUCH = 0.25  # removed share from which other fits than a crop are suggested

Size = tuple[int, int]


@dataclass(frozen=True)
class CutAway:
    """What a centre crop removes from pictures of one aspect ratio.

    Args:
        shape: Width to height, such as `"16:9"`.
        clips: Number of clips.
        width: Share of the width that is removed.
        height: Share of the height that is removed.
    """

    shape: str
    clips: int
    width: float
    height: float


def cut_away(sizes: Iterable[Size], crop: Size, resize: int) -> list[CutAway]:
    """Computes what is removed per aspect ratio by resizing the shorter side and cropping.

    Args:
        sizes: Width and height of each clip.
        crop: Height and width (H, W) of the crop.
        resize: Shorter side in pixels before the crop.

    Returns:
        One entry per aspect ratio, most frequent first.

    Example:
        >>> cut_away([(1920, 1080)], crop=(224, 224), resize=256)
        [CutAway(shape='16:9', clips=1, width=0.508, height=0.125)]
    """
    lost: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for width, height in sizes:
        short = min(width, height)
        resized = (resize * height // short, resize * width // short)
        window = largest_window(resized, crop)
        lost[shape_of(width, height)].append(
            (1 - window[1] / resized[1], 1 - window[0] / resized[0])
        )
    shares = {shape: np.mean(each, axis=0).round(3).tolist() for shape, each in lost.items()}
    found = [CutAway(shape, len(lost[shape]), *shares[shape]) for shape in lost]
    return sorted(found, key=lambda cut: (-cut.clips, cut.shape))


def shape_of(width: int, height: int) -> str:
    """The common name of an aspect ratio, within 2 %.

    Example:
        >>> shape_of(1080, 1920), shape_of(1366, 768), shape_of(1000, 100)
        ('9:16', '16:9', '10.00:1')
    """
    ratio = max(width, height) / min(width, height)
    for name in SHAPES:
        long, _, short = name.partition(":")
        if abs(ratio * int(short) / int(long) - 1) < SAME_SHAPE:
            return name if width >= height else f"{short}:{long}"
    return f"{ratio:.2f}:1" if width >= height else f"1:{ratio:.2f}"


def sizes_to_text(sizes: Sequence[Size]) -> str:
    """Formats sizes on one line: each if there are few, else their range and the most common."""
    counts = Counter(sizes).most_common()
    told = ", ".join(f"{w}x{h} ({clips})" for (w, h), clips in counts[:LISTED])
    if len(counts) <= LISTED:
        return told
    by_area = sorted(counts, key=lambda item: item[0][0] * item[0][1])
    (small, _), (large, _) = by_area[0], by_area[-1]
    return f"{len(counts)} from {small[0]}x{small[1]} to {large[0]}x{large[1]}, most often {told}"


def cut_away_to_text(cuts: Sequence[CutAway], crop: Size, resize: int) -> str:
    """Describes what a crop removes, in a sentence."""
    told = [
        f"{cut.width:.0%} of the width and {cut.height:.0%} of the height of {cut.shape} "
        f"({_clips(cut.clips)})"
        for cut in cuts[:LISTED]
    ]
    rest = cuts[LISTED:]
    if rest:
        told.append(
            f"up to {max(cut.width for cut in rest):.0%} and {max(cut.height for cut in rest):.0%} "
            f"of other shapes ({_clips(sum(cut.clips for cut in rest))})"
        )
    height, width = crop
    much = any(max(cut.width, cut.height) >= MUCH for cut in cuts)
    remedy = " (model.fit=letterbox or squash keeps whole pictures)" if much else ""
    what = f"a crop of {width}x{height} from a shorter side of {resize} cuts away "
    return what + "; ".join(told) + remedy


def _clips(count: int) -> str:
    return "1 clip" if count == 1 else f"{count} clips"
