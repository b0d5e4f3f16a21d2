"""Scores clips with a pool of actors, each of which holds the model."""

import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import pan_keras
from pan_keras.cluster.connection import Cluster, result
from pan_keras.cluster.score_record import Score, ScoreRecord, work_key
from pan_keras.errors import UserError
from pan_keras.inference.bundle_classifier import BundleClassifier
from pan_keras.inference.classifier import Classifier
from pan_keras.inference.opening import open_classifier
from pan_keras.inference.views import (
    Crops,
    Fuse,
    VideoScores,
    ViewClassifier,
    check_views,
    views_of,
)

WHAT = "classifying videos"
VIEWS = 64  # of one task, or a batch if that is more
DEATHS = 3  # of processes while they read a clip, after which the clip is held to be the cause
STARTS = 10  # processes in turn that end before they have an answer


class ScoringActors:
    """Makes pools of actors that hold a model; the `scorer` of `predict` and `evaluate`.

    An actor that is lost is replaced, and its clips go to another, so that each has one score. A
    clip that ends three processes is reported as broken. Scores so far are recorded, and a call for
    the same work starts from them.

    Args:
        cluster: The cluster, whose nodes see model and clips under the same paths.
        workers: Actors; by default one per processor.
        record: Beginning of the names of the files with the scores so far; None records nothing.
        views: Views in one task.

    Raises:
        UserError: If there are fewer processors than workers, a model is one in memory, or an
            option is unknown.

    Example:
        >>> with connect() as cluster:
        ...     actors = ScoringActors(cluster, workers=2, record=Path("answers"))
        ...     answers = list(predict("runs/demo/bundle", "videos", scorer=actors))
        ...     write_table("answers.csv", answers)
        ...     actors.finish()
    """

    def __init__(
        self,
        cluster: Cluster,
        workers: int | None = None,
        record: Path | None = None,
        views: int = VIEWS,
    ):
        self.cluster = cluster
        self.workers = workers or cluster.processors
        self.record = record
        self.views = views
        self._files: list[Path] = []
        if self.workers > cluster.processors:
            raise UserError(
                f"--workers {self.workers}: {cluster.name} has {cluster.processors} processors, "
                "and each worker needs one; give fewer"
            )

    def __call__(
        self, classifier: Classifier, crops: Crops = "1", temporal: int = 1, fuse: Fuse = "logits"
    ) -> "PooledScores":
        """Makes the pool of a model.

        Args:
            classifier: The model, from a path.
            crops: As for `ViewClassifier`.
            temporal: As for `ViewClassifier`.
            fuse: As for `ViewClassifier`.

        Returns:
            Scores videos; the actors are started when it is called.

        Raises:
            UserError: If the model is one in memory, or an option is unknown.
        """
        check_views(classifier.shape, crops, temporal, fuse)
        opening = _opening(classifier)
        file = None
        if self.record is not None:
            file = self.record.with_name(f"{self.record.name}-{len(self._files) + 1}.jsonl")
            self._files.append(file)
        return PooledScores(self, opening, (crops, temporal, fuse), file)

    def finish(self) -> None:
        """Removes the recorded scores, when the results are written."""
        for file in self._files:
            file.unlink(missing_ok=True)


class PooledScores:
    """Scores videos in a pool of actors; made by `ScoringActors`.

    Attributes:
        views: Views of one video.
    """

    def __init__(
        self,
        actors: ScoringActors,
        opening: dict[str, Any],
        options: tuple[Crops, int, Fuse],
        file: Path | None,
    ):
        self._actors = actors
        self._opening = opening
        self._options = options
        self._file = file
        self.views = views_of(*options[:2])

    def __call__(
        self, paths: Sequence[Path], advance: Callable[[int], None] | None = None
    ) -> Iterator[VideoScores]:
        """Classifies videos.

        Args:
            paths: Videos.
            advance: Called with the number of views done.

        Yields:
            As `ViewClassifier`, in the order of the videos.

        Raises:
            UserError: If the model cannot be opened or gives no finite numbers.
            Interrupted: After Ctrl-C or SIGTERM.
        """
        facts = [pan_keras.__version__, self._opening, self._options]
        key = work_key(facts, Path(self._opening["source"]), paths)
        record = ScoreRecord(self._file, key)
        found = {place: score for place, score in record.known.items() if place < len(paths)}
        unknown = [place for place in range(len(paths)) if place not in found]
        size = -(-max(self._actors.views, self._opening["batch"]) // self.views)
        chunks = [unknown[start : start + size] for start in range(0, len(unknown), size)]
        if advance is not None and found:
            advance(len(found) * self.views)
        turn = 0
        for places, scores in self._finished(chunks, paths):
            record.add(places, scores)
            found |= zip(places, scores, strict=True)
            if advance is not None:
                advance(len(places) * self.views)
            while turn in found:
                yield VideoScores(paths[turn], *found.pop(turn))
                turn += 1
        while turn in found:
            yield VideoScores(paths[turn], *found.pop(turn))
            turn += 1

    def _finished(
        self, chunks: Sequence[list[int]], paths: Sequence[Path]
    ) -> Iterator[tuple[list[int], list[Score]]]:
        """Yields the places of each task with their scores, as they come."""
        import ray  # noqa: PLC0415 (optional)

        waiting = deque(chunks)
        deaths: Counter[tuple[int, ...]] = Counter()
        running: dict[Any, tuple[Any, list[int]]] = {}
        idle: list[Any] = []
        failures = 0
        try:
            for _ in range(min(self._actors.workers, len(chunks))):
                self._start(running)
            while waiting or any(places for _, places in running.values()):
                while waiting and idle:
                    self._give(idle.pop(), waiting.popleft(), paths, running)
                for reference in self._actors.cluster.ended(list(running), WHAT):
                    actor, places = running.pop(reference)
                    try:
                        scores = result(reference)
                    except ray.exceptions.RayActorError as error:
                        failures += 1
                        if failures > STARTS:
                            raise UserError(
                                f"{self._actors.cluster.name}: {STARTS} workers in turn have ended "
                                "without an answer; see the logs of Ray, or give fewer --workers"
                            ) from error
                        deaths[tuple(places)] += 1
                        if places and deaths[tuple(places)] < DEATHS:
                            waiting.appendleft(places)
                        elif len(places) > 1:
                            waiting.extendleft([place] for place in reversed(places))
                        elif places:
                            failures = 0
                            yield places, [(None, f"has ended {DEATHS} processes that read it")]
                        self._start(running)
                        continue
                    idle.append(actor)
                    if places:
                        failures = 0
                        yield places, scores
        finally:
            for actor in [*idle, *(actor for actor, _ in running.values())]:
                ray.kill(actor)

    def _start(self, running: dict[Any, tuple[Any, list[int]]]) -> None:
        """Starts an actor; it has no task until it is ready."""
        import ray  # noqa: PLC0415 (optional)

        actor = ray.remote(num_cpus=1, max_restarts=0)(_Worker).remote(self._opening, self._options)
        running[actor.ready.remote()] = (actor, [])

    def _give(
        self,
        actor: Any,
        places: list[int],
        paths: Sequence[Path],
        running: dict[Any, tuple[Any, list[int]]],
    ) -> None:
        clips = [os.path.abspath(paths[place]) for place in places]  # noqa: PTH100 (keeps links)
        running[actor.score.remote(clips)] = (actor, places)


class _Worker:
    """The actor; the model is loaded with its first task, whose errors reach the caller."""

    def __init__(self, opening: dict[str, Any], options: tuple[Crops, int, Fuse]):
        self._opening = opening
        self._options = options
        self._classify: ViewClassifier | None = None

    def ready(self) -> None:
        """Returns once the process has started."""

    def score(self, paths: Sequence[str]) -> list[tuple[np.ndarray | None, str | None]]:
        """Scores of clips, or the reasons why they cannot be read."""
        if self._classify is None:
            self._classify = ViewClassifier(open_classifier(**self._opening), *self._options)
        return [(found.scores, found.error) for found in self._classify([*map(Path, paths)])]


def _opening(classifier: Classifier) -> dict[str, Any]:
    """How another process opens the classifier."""
    path = Path(os.path.abspath(classifier.path))  # noqa: PTH100 (keeps links)
    run = getattr(classifier, "run", None)
    if not path.exists():
        raise UserError(
            f"{classifier.path}: is a model in memory, which other processes do not see; save it, "
            "and name the file"
        )
    opening: dict[str, Any] = {"source": str(path), "batch": classifier.batch}
    if isinstance(classifier, BundleClassifier):
        opening |= {"precision": classifier.precision, "file_format": classifier.file_format}
    elif run is not None:
        opening["checkpoint"] = run.checkpoint
    return opening
