"""The result of comparing runs: accuracy, significance of differences, cost."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from pan_keras.metrics.scores import Interval


@dataclass(frozen=True)
class RunScore:
    """One run of a comparison.

    Attributes:
        name: Its name in the comparison.
        path: Its folder.
        model: Registry name of its network.
        top1: Accuracy on the common clips.
        interval: 95 % interval of `top1`.
        parameters: Number of weights of the network.
        macs: Multiply-accumulates per view, as the paper counts them.
        needed_macs: Multiply-accumulates after folding norms and computing PA from differences.
    """

    name: str
    path: str
    model: str
    top1: float
    interval: Interval
    parameters: int
    macs: int
    needed_macs: int


@dataclass(frozen=True)
class RunPair:
    """A pair of runs of a comparison.

    Attributes:
        first: Name of one.
        second: Name of the other.
        only_first: Clips that only the first classifies correctly.
        only_second: Clips that only the second classifies correctly.
        p: Two-sided p-value of McNemar's exact test.
        p_adjusted: `p` with Holm's correction for the number of pairs.
    """

    first: str
    second: str
    only_first: int
    only_second: int
    p: float
    p_adjusted: float


@dataclass(frozen=True)
class ClassAccuracies:
    """One class of a comparison.

    Attributes:
        name: The class.
        clips: Number of its common clips.
        accuracies: Accuracy of each run, in the order of the runs.
    """

    name: str
    clips: int
    accuracies: tuple[float, ...]

    @property
    def spread(self) -> float:
        """Difference between the best and the worst accuracy."""
        return max(self.accuracies) - min(self.accuracies)


@dataclass(frozen=True)
class Comparison:
    """Several runs compared on the same clips.

    Attributes:
        data: Where the clips came from.
        split: Part of the data.
        clips: Number of clips that all runs were evaluated on.
        left_out: Number of clips that some run was not evaluated on.
        views: Views per clip.
        runs: The runs, in the given order.
        pairs: All pairs of runs.
        classes: The classes, greatest spread first.
        notes: Notes on the clips.

    Example:
        >>> from pan_keras.evaluation import compare
        >>> comparison = compare(["runs/demo", "runs/demo/baseline"])
        >>> comparison.split, '"runs"' in comparison.to_json()
        ('test', True)
        >>> print(comparison.to_text(classes=3).splitlines()[0])
        8 clips of test, the same for all; 0 left out
    """

    data: str
    split: str
    clips: int
    left_out: int
    views: int
    runs: tuple[RunScore, ...]
    pairs: tuple[RunPair, ...]
    classes: tuple[ClassAccuracies, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The comparison as JSON.

        Returns:
            One JSON object.
        """
        return json.dumps(asdict(self))

    def to_text(self, classes: int = 5) -> str:
        """The comparison as text.

        Args:
            classes: Number of classes to show, greatest spread first.

        Returns:
            Several lines.
        """
        names = [run.name for run in self.runs]
        wide = max(map(len, [*names, *(each.name for each in self.classes), "run"]))
        lines = [
            f"{self.clips} clips of {self.split}, the same for all; {self.left_out} left out",
            *(f"note: {note}" for note in self.notes),
            "",
            f"{'run':<{wide}}   top-1  95 % interval   M params   G MACs  needed  model",
        ]
        for run in self.runs:
            low, high = run.interval
            accuracy = f"{run.top1:6.1%}  {f'{low:.1%} to {high:.1%}':<15}"
            cost = f"{run.parameters / 1e6:9.3f} {run.macs / 1e9:8.3f} {run.needed_macs / 1e9:7.3f}"
            lines.append(f"{run.name:<{wide}}  {accuracy} {cost}  {run.model}")
        lines += ["", "McNemar's exact test on the clips that only one of two classifies correctly"]
        for pair in self.pairs:
            lines.append(
                f"  {pair.first} {pair.only_first}, {pair.second} {pair.only_second}: "
                f"p = {pair.p:.2g}" + self._adjusted(pair)
            )
        lines += ["", f"{'class':<{wide}}  clips  " + "  ".join(f"{name:>8}" for name in names)]
        for each in self.classes[:classes]:
            shares = "  ".join(
                f"{share:>{max(8, len(name))}.1%}"
                for name, share in zip(names, each.accuracies, strict=True)
            )
            lines.append(f"{each.name:<{wide}}  {each.clips:>5}  {shares}")
        return "\n".join(lines)

    def _adjusted(self, pair: RunPair) -> str:
        if len(self.pairs) == 1:
            return ""
        return f", {pair.p_adjusted:.2g} for {len(self.pairs)} pairs (Holm)"


def names_of(paths: Sequence[str]) -> list[str]:
    """Names for run folders: the last path component if those are distinct, else the whole path."""
    last = [path.rstrip("/").rpartition("/")[2] for path in paths]
    return last if len(set(last)) == len(last) else list(paths)
