"""The scores so far of an interrupted command, on disk."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pan_keras.files import make_folder
from pan_keras.video import BrokenVideo, frame_source

# Scores of a clip, or None with the reason.
Score = tuple[np.ndarray | None, str | None]


class ScoreRecord:
    """Scores of the clips that an earlier call of the same command has finished.

    A text file: a line with the key of the work, then one line per finished task, each flushed to
    disk. A file of other work, or what a kill has left of a line, is not used.

    Args:
        file: The file; nothing is recorded if None.
        key: Identifies model, options and clips.

    Attributes:
        known: The score of each finished clip, by its position.

    Example:
        >>> record = ScoreRecord(Path("evaluation/.scores-1.jsonl"), key)
        >>> record.add([0, 1], [(scores, None), (None, "no video")])
        >>> sorted(ScoreRecord(Path("evaluation/.scores-1.jsonl"), key).known)
        [0, 1]
    """

    def __init__(self, file: Path | None, key: str):
        self.file = file
        self.known: dict[int, Score] = {}
        if file is None:
            return
        lines = _lines(file)
        if lines[:1] == [{"key": key}]:
            for line in lines[1:]:
                self.known |= _scores(line)
        else:
            make_folder(file.parent)
            self._append({"key": key}, "w")

    def add(self, positions: Sequence[int], scores: Sequence[Score]) -> None:
        """Records the scores of a finished task.

        Args:
            positions: Positions of its clips.
            scores: Their scores.
        """
        if self.file is None:
            return
        self._append(
            {
                "clips": list(positions),
                "scores": [None if found is None else found.tolist() for found, _ in scores],
                "errors": [error for _, error in scores],
            }
        )

    def _append(self, line: dict[str, Any], mode: str = "a") -> None:
        assert self.file is not None
        with self.file.open(mode, encoding="utf-8") as stream:
            # Begins a new line, since the last one may be incomplete.
            stream.write(("" if mode == "w" else "\n") + json.dumps(line))
            stream.flush()
            os.fsync(stream.fileno())


def work_key(facts: Any, model: Path, clips: Sequence[Path]) -> str:
    """Identifies the work: options, files of the model and clips, by size and time of change.

    Args:
        facts: Options, as JSON.
        model: A bundle, run folder or file.
        clips: The clips.
    """
    files = [model]
    if model.is_dir():
        # Those that a model consists of; results are written below the folder.
        files = sorted(file for file in model.iterdir() if file.is_file())
    states = [
        (file.name, state.st_size, state.st_mtime_ns) for file in files if (state := file.stat())
    ]
    known = [(os.path.abspath(clip), _state(clip)) for clip in clips]  # noqa: PTH100
    return hashlib.sha256(json.dumps([facts, states, known]).encode()).hexdigest()


def _state(clip: Path) -> tuple[int, ...] | None:
    try:
        return tuple(frame_source(clip).state())
    except BrokenVideo:
        return None


def _lines(file: Path) -> list[Any]:
    """The complete lines of a file; none if it is absent."""
    lines = []
    try:
        texts = file.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return []
    for text in texts:
        try:
            lines.append(json.loads(text))
        except (ValueError, RecursionError):
            continue
    return lines


def _scores(line: Any) -> dict[int, Score]:
    try:
        found = [None if each is None else np.array(each, float) for each in line["scores"]]
        return {
            int(place): (score, error)
            for place, score, error in zip(line["clips"], found, line["errors"], strict=True)
        }
    except (TypeError, KeyError, ValueError):
        return {}
