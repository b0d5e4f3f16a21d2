"""What a card says of a published data set: its files, folds, expected clips and protocol."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field, StrictFloat, StrictInt

from pan_keras.config.section import Text, section

Layout = Literal["something-v1", "something-v2", "jester", "kinetics", "ucf101", "hmdb51"]
Count = Annotated[StrictInt, Field(ge=1)]


@section
@dataclass(frozen=True)
class PublishedBenchmark:
    """A published data set as its authors distribute it, and how the paper measures accuracy on it.

    Args:
        layout: How the unpacked files lie, which `pan_keras.data.layouts` reads.
        folds: Number of official folds; 0 for a single split.
        classes: Expected number of classes.
        clips: Expected number of clips by split, or of `all`.
        tolerance: Share by which the number of clips may differ without a warning.
        start: Data set on whose weights the paper starts training; None for ImageNet.
        split: Split that accuracy is measured on.
        crops: Views in space of a clip.
        views: Views in time of a clip.
        metric: Accuracy that the paper reports, over clips (`top1`) or classes (`mean_class`).

    Example:
        >>> load_card("ucf101").benchmark.folds
        3
    """

    layout: Layout
    folds: Annotated[StrictInt, Field(ge=0, le=100)] = 0
    classes: Count | None = None
    clips: Mapping[Literal["train", "val", "test", "all"], Count] = field(default_factory=dict)
    tolerance: Annotated[StrictFloat, Field(ge=0, lt=1)] = 0.0
    start: Text | None = None
    split: Literal["val", "test"] = "test"
    crops: Literal["1", "3", "full"] = "1"
    views: Literal[1, 2, 10] = 1
    metric: Literal["top1", "mean_class"] = "top1"
