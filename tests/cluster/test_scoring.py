"""Predictions and evaluation on a pool of actors are those of this process, each clip once."""

import json
import os
import shutil
import signal
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from ray_nodes import command, processes_with, running, wait_for
from run_folders import untrained_run
from stand_ins import make_hmdb51

from pan_keras.cluster.score_record import ScoreRecord
from pan_keras.cluster.scoring import PooledScores, ScoringActors
from pan_keras.errors import UserError
from pan_keras.evaluation import evaluate
from pan_keras.inference import open_classifier

VIEWS = ("--crops", "3", "--clips", "10")


class Two:
    """A cluster of two processors that nothing is asked of."""

    name, processors = "here", 2


def actors_at_work(token):
    """Processes that are scoring clips."""
    found = []
    for process in processes_with(token):
        try:
            title = Path(f"/proc/{process}/cmdline").read_bytes()
        except OSError:
            continue
        if b"_Worker.score" in title:
            found.append(process)
    return found


@pytest.mark.slow
def test_a_killed_actor_changes_no_answer_and_each_clip_has_one(ray, bundle, videos, tmp_path):
    arguments = ("predict", bundle, videos, "--crops", "3", "--clips", "10", "--json", "--csv")
    code, expected, skipped = command(*arguments, tmp_path / "local.csv")
    assert code == 0
    pool = (*arguments, tmp_path / "ray.csv", "--engine", "ray", "--workers", 2)
    with running(*pool) as process:
        victim = wait_for(lambda: actors_at_work(process.token), "an actor", process)[0]
        os.kill(victim, signal.SIGKILL)
        output, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    (line,) = errors.splitlines()
    assert "broken.mp4: skipped" in line
    assert line in skipped
    assert output == expected
    assert len(output.splitlines()) == 25
    assert (tmp_path / "ray.csv").read_bytes() == (tmp_path / "local.csv").read_bytes()
    assert [file.name for file in tmp_path.glob(".*")] == []


@pytest.mark.slow
def test_an_interrupted_evaluation_continues_and_is_bit_equal(ray, run, tmp_path):
    own = shutil.copytree(run.path, tmp_path / "run")
    arguments = ("evaluate", own, "--split", "all", *VIEWS, "--json", "--engine", "ray")
    record = own / "evaluation" / ".scores-1.jsonl"

    def finished():
        return record.is_file() and len(record.read_text().splitlines()) > 1

    with running(*arguments, "--workers", 1) as process:
        wait_for(finished, "the first scores", process)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 143, errors
    assert "stopped; the same command continues" in errors
    assert 0 < sum(len(json.loads(line)["clips"]) for line in scores_of(record)) < 48
    code, output, errors = command(*arguments, "--workers", 2)
    assert code == 0, errors
    assert not record.exists()
    pooled = json.loads(output)
    local = json.loads(
        evaluate(run.path, split="all", crops="3", clips=10, output=tmp_path / "o").to_json()
    )
    for timed in ("seconds", "clips_per_second", "runs", "notes"):
        pooled.pop(timed), local.pop(timed)
    assert pooled == local
    assert list((own / "evaluation").glob("all*_clips.csv"))


@pytest.mark.slow
def test_the_mean_over_official_folds_is_that_of_one_process(ray, tmp_path):
    make_hmdb51(tmp_path / "data")
    prepared = command(
        "dataset", "prepare", "hmdb51", "--source", tmp_path / "data", "-o", tmp_path
    )
    assert prepared[0] == 0, prepared
    runs = [tmp_path / f"fold-{fold}" for fold in (1, 2, 3)]
    for fold, run in enumerate(runs, 1):
        untrained_run(run, tmp_path, f"data.fold={fold}", source="hmdb51", sureness=30.0)
    arguments = ("evaluate", *runs, "--folds", "--json", "-o", tmp_path / "means")
    code, pooled, errors = command(*arguments, "--engine", "ray", "--workers", 2)
    assert code == 0, errors
    assert not list(tmp_path.rglob(".scores*"))
    code, local, errors = command(*arguments)
    assert code == 0, errors
    assert json.loads(pooled) == json.loads(local)


def scores_of(record):
    return record.read_text().splitlines()[1:]


def test_recorded_scores_are_used_for_the_same_work_alone(tmp_path):
    file = tmp_path / "record.jsonl"
    record = ScoreRecord(file, "key")
    found = np.random.default_rng(0).normal(size=3)
    record.add([2, 0], [(found, None), (None, "no video")])
    with file.open("a") as stream:
        stream.write('\n{"clips": [1], "scores": [[0.1')
    again = ScoreRecord(file, "key")
    again.add([3], [(found, None)])
    known = ScoreRecord(file, "key").known
    assert sorted(known) == [0, 2, 3]
    np.testing.assert_array_equal(known[2][0], found)
    assert known[0] == (None, "no video")
    assert ScoreRecord(file, "another").known == {}
    assert ScoreRecord(file, "key").known == {}


def test_only_clips_without_a_score_are_read(bundle, videos, tmp_path, monkeypatch):
    asked = []

    def finish(self, chunks, paths):
        asked.extend(place for chunk in chunks for place in chunk)
        for chunk in reversed(chunks):
            yield chunk, [(np.full(3, place), None) for place in chunk]
            if len(asked) == len(paths):
                return

    monkeypatch.setattr(PooledScores, "_finished", finish)
    paths = sorted(videos.rglob("*.mp4"))
    classifier = open_classifier(bundle)
    record = tmp_path / "answers"
    interrupted = ScoringActors(Two(), record=record, views=4)(classifier)
    assert list(interrupted(paths)) == []  # the first clips are missing
    assert len(asked) == len(paths)
    asked.clear()
    actors = ScoringActors(Two(), record=record, views=4)
    advanced = []
    scored = list(actors(classifier)(paths, advanced.append))
    assert sorted(asked) == list(range(len(paths) - len(paths) % 4 or len(paths)))
    assert [found.path for found in scored] == paths
    assert [found.scores[0] for found in scored] == list(range(len(paths)))
    assert sum(advanced) == len(paths)
    asked.clear()
    list(ScoringActors(Two(), record=record, views=4)(classifier, crops="3")(paths))
    assert len(asked) == len(paths)
    actors.finish()
    assert not list(tmp_path.iterdir())


class ActorError(Exception):
    """In place of Ray's."""


class FakeRay:
    """Actors in this process; a call that reads a deadly clip ends its actor."""

    exceptions = SimpleNamespace(RayActorError=ActorError, RayTaskError=())

    def __init__(self, deadly=(), starts=True):
        self.deadly, self.starts = deadly, starts
        self.started = self.killed = 0
        self.read = Counter()

    def remote(self, **_):
        return lambda _: SimpleNamespace(remote=self.start)

    def start(self, *_):
        self.started += 1

        def ready():
            if not self.starts:
                raise ActorError

        def score(clips):
            self.read.update(clips)
            if any(Path(clip).name in self.deadly for clip in clips):
                raise ActorError
            return [(np.array([float(Path(clip).name)]), None) for clip in clips]

        calls = {"ready": ready, "score": score}
        bound = {
            name: SimpleNamespace(remote=partial(partial, each)) for name, each in calls.items()
        }
        return SimpleNamespace(**bound)

    def kill(self, _):
        self.killed += 1

    def get(self, call, timeout):
        return call()


class Calls(Two):
    """A cluster whose calls end in turn."""

    def ended(self, calls, what):
        return calls[:1]


def scored(monkeypatch, ray, clips=12, views=4):
    monkeypatch.setitem(sys.modules, "ray", ray)
    actors = ScoringActors(Calls(), views=views)
    opening = {"source": __file__, "batch": 1}
    pool = PooledScores(actors, opening, ("1", 1, "logits"), None)
    return list(pool([Path(str(number)) for number in range(clips)]))


def test_a_clip_that_ends_processes_is_broken_and_the_others_are_scored_once(monkeypatch):
    ray = FakeRay(deadly={"5", "6", "7"})
    found = scored(monkeypatch, ray)
    for number, each in enumerate(found):
        if each.path.name in ray.deadly:
            assert each.error == "has ended 3 processes that read it"
        else:
            assert each.scores == number
    assert ray.read[str(Path("5").absolute())] == 6  # three times with its neighbours
    assert ray.read[str(Path("0").absolute())] == 1
    # None is left.
    assert ray.killed == ray.started - 3 - 3 * 3


def test_workers_that_never_start_are_one_sentence(monkeypatch):
    with pytest.raises(UserError, match=r"^here: 10 workers in turn have ended without an answer"):
        scored(monkeypatch, FakeRay(starts=False))


def test_workers_and_models_that_cannot_be_are_one_sentence(run):
    with pytest.raises(UserError, match=r"^--workers 3: here has 2 processors, and each worker"):
        ScoringActors(Two(), 3)
    with pytest.raises(UserError, match="is a model in memory, which other processes do not see"):
        ScoringActors(Two())(open_classifier(run.load_model()))
    with pytest.raises(UserError, match="crops: '4' is not one of 1, 3, full"):
        ScoringActors(Two())(open_classifier(run.path), crops="4")
