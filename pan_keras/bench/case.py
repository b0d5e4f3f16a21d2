"""A case of a benchmark: a method or model in one form, on one target."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Work:
    """The frames that one call of a case processes.

    Attributes:
        segments: Segments of a clip, N.
        stack: Adjacent frames per segment, m.
        height: Frame height in pixels.
        width: Frame width in pixels.
        batch: Clips per call, B.

    Example:
        >>> work = Work()  # Tables I and II of the paper
        >>> work.frames, work.pairs
        (48, 40)
    """

    segments: int = 8
    stack: int = 6
    height: int = 224
    width: int = 224
    batch: int = 1

    @property
    def frames(self) -> int:
        """Input frames, B * N * m."""
        return self.batch * self.segments * self.stack

    @property
    def pairs(self) -> int:
        """Pairs of adjacent frames within a segment, B * N * (m - 1)."""
        return self.batch * self.segments * (self.stack - 1)

    def to_json(self) -> dict[str, Any]:
        """Returns the work as a JSON object."""
        return {
            "segments": self.segments,
            "stack": self.stack,
            "size": [self.height, self.width],
            "batch": self.batch,
            "frames": self.frames,
            "pairs": self.pairs,
        }


@dataclass(frozen=True)
class Case:
    """One row of a benchmark before it is measured.

    A case is plain data: it is sent to the process that measures it, which imports the functions
    named as `module:function`.

    Attributes:
        method: Name of the method or model.
        target: Name of a module in `pan_keras.bench.targets`.
        work: The frames of a call.
        graph: `plain` (the layers as trained) or `fast` (as exported); empty if there is only one
            form.
        precision: `float32`, `float16`, `bfloat16`, `dynamic` or `int8`.
        threads: Threads per call; the process is pinned to as many processors.
        source: `module:function`, for targets that run Keras graphs: takes the case and returns the
            graph, from `frames` uint8 `(B * N * m, H, W, 3)` to one named output.
        opener: `module:function` that opens the session; by default `open_session` of the target.
        builder: `module:function` that makes files for the session from the case and a folder, in a
            separate process; by default `build` of the target, if it has one. The session finds the
            folder in the case's `options["folder"]`.
        reference: Key of the array that the answer is compared with; empty for none.
        tolerance: Largest accepted difference from the reference in float32; None if the values
            have no known scale, so that only the signal-to-noise ratio is checked.
        options: Further settings for the source, builder and session.
        known: Fields of the row that are known beforehand, such as `macs`.
        note: A remark for readers of the row.
        error: Why the case cannot be measured; it is then not run, and its row reports this.
    """

    method: str
    target: str
    work: Work = field(default_factory=Work)
    graph: str = ""
    precision: str = "float32"
    threads: int = 2
    source: str = ""
    opener: str = ""
    builder: str = ""
    reference: str = ""
    tolerance: float | None = 1e-4
    options: Mapping[str, Any] = field(default_factory=dict)
    known: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    error: str = ""

    @property
    def name(self) -> str:
        """Everything that distinguishes it from other cases, for messages."""
        extra = [f"{key} {self.options[key]}" for key in ("depth",) if key in self.options]
        return " ".join(
            filter(None, (self.method, *extra, self.target, self.graph, self.precision))
        )
