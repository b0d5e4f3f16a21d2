"""Scores segments of actions in long videos."""

from collections.abc import Sequence
from dataclasses import dataclass, field

OVERLAPS = (0.1, 0.25, 0.5)


@dataclass(frozen=True)
class Segment:
    """An action in a video.

    Args:
        start: Seconds from the start of the video.
        end: Seconds, after `start`.
        label: The class.
        probability: Mean probability of the class in the segment; None for ground truth.

    Example:
        >>> first, second = Segment(1.0, 3.0, "left"), Segment(2.0, 4.0, "left")
        >>> first.overlap(second), round(first.iou(second), 3)
        (1.0, 0.333)
    """

    start: float
    end: float
    label: str
    probability: float | None = None

    def overlap(self, other: "Segment") -> float:
        """Computes the time that both segments share.

        Args:
            other: Another segment.

        Returns:
            Seconds.
        """
        return max(0.0, min(self.end, other.end) - max(self.start, other.start))

    def iou(self, other: "Segment") -> float:
        """Computes the temporal intersection over union.

        Args:
            other: Another segment.

        Returns:
            A fraction from 0 to 1.
        """
        shared = self.overlap(other)
        union = (self.end - self.start) + (other.end - other.start) - shared
        return shared / union if union else 0.0


@dataclass
class SegmentScores:
    """Segment F1 and false alarms, summed over videos with `add`.

    Attributes:
        seconds: Total duration of the videos.
        truths: Number of true segments.
        found: Number of predicted segments.
        false_alarms: Number of predicted segments without overlap with a true one of their class.
        matched: Number of predicted segments that match a true one, by minimum overlap.

    Example:
        >>> scores = SegmentScores()
        >>> truth = [Segment(1, 3, "left"), Segment(5, 7, "up")]
        >>> scores.add([Segment(2, 4, "left"), Segment(8, 9, "up")], truth, seconds=30)
        >>> scores.f1(0.25), scores.f1(0.5), scores.false_alarms_per_minute
        (0.5, 0.0, 2.0)

    References:
        Lea, Flynn, Vidal, Reiter, Hager, "Temporal Convolutional Networks for Action Segmentation
        and Detection", CVPR 2017, for segment F1.
    """

    seconds: float = 0.0
    truths: int = 0
    found: int = 0
    false_alarms: int = 0
    matched: dict[float, int] = field(default_factory=lambda: dict.fromkeys(OVERLAPS, 0))

    def add(self, found: Sequence[Segment], truth: Sequence[Segment], seconds: float) -> None:
        """Adds the segments of a video.

        A predicted segment is compared with the true one of its class that it overlaps most. It
        matches if their intersection over union reaches the minimum overlap and no earlier segment
        has matched the true one.

        Args:
            found: Predicted segments, in order of their start.
            truth: True segments.
            seconds: Duration of the video.
        """
        self.seconds += seconds
        self.truths += len(truth)
        self.found += len(found)
        for overlap in OVERLAPS:
            taken: set[int] = set()
            for segment in found:
                best = _best(segment, truth)
                if best is None or best in taken or segment.iou(truth[best]) < overlap:
                    continue
                taken.add(best)
            self.matched[overlap] += len(taken)
        self.false_alarms += sum(_best(segment, truth) is None for segment in found)

    def f1(self, overlap: float) -> float:
        """Computes segment F1.

        Args:
            overlap: Minimum intersection over union of a match: 0.1, 0.25 or 0.5.

        Returns:
            A fraction from 0 to 1; 1 if there are neither true nor predicted segments.
        """
        total = self.found + self.truths
        return 2 * self.matched[overlap] / total if total else 1.0

    @property
    def false_alarms_per_minute(self) -> float:
        """False alarms per minute of video."""
        return 60 * self.false_alarms / self.seconds if self.seconds else 0.0


def _best(segment: Segment, truth: Sequence[Segment]) -> int | None:
    """Returns the index of the true segment of the same class with the largest overlap, if any."""
    shares = [segment.iou(each) if each.label == segment.label else 0.0 for each in truth]
    best = max(range(len(shares)), key=shares.__getitem__, default=None)
    return best if best is not None and shares[best] > 0 else None
