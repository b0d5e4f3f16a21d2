"""What a benchmark measures: one method or model, in one form, on one target."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Work:
    """The frames that one call of a case works on.

    Attributes:
        segments: Segments of a clip, N.
        stack: Adjacent frames per segment, m.
        height: Of a frame in pixels.
        width: Of a frame in pixels.
        batch: Clips, B.

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
        """Frames that go in, B * N * m."""
        return self.batch * self.segments * self.stack

    @property
    def pairs(self) -> int:
        """Pairs of adjacent frames within a segment, B * N * (m - 1)."""
        return self.batch * self.segments * (self.stack - 1)

    def to_json(self) -> dict[str, Any]:
        """The work for programs."""
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

    A case is data: it is sent to the process that measures it, where functions that are named
    `module:function` are looked up.

    Attributes:
        method: Name of the method or model.
        target: Name of a file of `pan_keras.bench.targets`.
        work: What a call works on.
        graph: `plain` (the layers as trained) or `fast` (as exported); empty where there is one
            form only.
        precision: `float32`, `float16`, `bfloat16`, `dynamic` or `int8`.
        threads: Threads of a call; the process is pinned to as many processors.
        source: `module:function`, for targets that run Keras graphs: takes the case and gives the
            graph, from `frames` uint8 `(B * N * m, H, W, 3)` to one output by name.
        opener: `module:function` that opens the session; by default `open_session` of the target.
        builder: `module:function` that makes files for the session from the case and a folder, in a
            process of its own; by default `build` of the target, where it has one. The case that
            reaches the session has their folder under `options["folder"]`.
        reference: Key of the array that the answer is compared with; empty for none.
        tolerance: Largest difference from the reference in float32; None where values have no known
            scale, and the signal-to-noise ratio alone decides.
        options: What else the source, the builder and the session want to know.
        known: Fields of the row that are known beforehand, such as `macs`.
        note: What a reader of the row should know.
        error: Why there is no such case; it is then not run, and its row says so.
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
        """All that tells it from other cases, for messages."""
        extra = [f"{key} {self.options[key]}" for key in ("depth",) if key in self.options]
        return " ".join(
            filter(None, (self.method, *extra, self.target, self.graph, self.precision))
        )
