"""`pan-keras dataset prepare`, and the commands on the data sets that it prepared."""

import importlib
import json
import os
import signal
import subprocess
import sys
from contextlib import nullcontext

import pytest
from click.testing import CliRunner
from run_folders import untrained_run
from stand_ins import MAKERS, make_hmdb51, make_ucf101

from pan_keras.cli import main
from pan_keras.inference.views import ViewClassifier
from pan_keras.runs.run import open_run

TINY = [
    *("--model", "pan_lite_micro", "--set", "model.segments=2", "--set", "model.stack=2"),
    *("--set", "model.size=32", "--set", "model.resize=36", "--set", "training.epochs=1"),
    *("--set", "training.batch=4", "--set", "training.accumulate=1"),
]


def invoke(*arguments):
    return CliRunner().invoke(main, [*map(str, arguments)])


@pytest.fixture(scope="module")
def ucf101(tmp_path_factory):
    return make_ucf101(tmp_path_factory.mktemp("ucf") / "data").root


def test_it_tells_what_it_found_and_what_comes_next(ucf101, tmp_path):
    result = invoke("dataset", "prepare", "ucf101", "--source", ucf101, "-o", tmp_path)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == (
        "ucf101: 3 classes; fold 1: train 11, test 5; fold 2: train 11, test 5; "
        "fold 3: train 10, test 6"
    )
    assert "warning: 16 usable clips, and the paper has 13,320" in lines
    assert f"left out: 1 broken, 1 missing, 1 not listed; {tmp_path / 'problems.csv'}" in lines[-2]
    assert lines[-1].startswith(f"next: pan-keras train ucf101 --root {tmp_path} --fold 1")
    again = invoke("dataset", "prepare", "ucf101", "--source", ucf101, "-o", tmp_path, "--json")
    assert json.loads(again.stdout)["known"] == 16
    checked = invoke("dataset", "check", "ucf101", "--root", tmp_path, "--fold", 3, "--json")
    report = json.loads(checked.stdout)
    assert report["splits"] == {"train": 10, "val": 0, "test": 6}
    assert report["split_origin"] == "fold 3 of 3, as published"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dataset", "prepare", "ucf", "-o", "out"], "did you mean 'ucf101'?"),
        (["dataset", "prepare", "motions", "-o", "out"], "only published data sets are prepared"),
        (["dataset", "prepare", "hmdb51", "-o", "out"], "brush_hair_test_split1.txt, are neither"),
        (["dataset", "prepare", "jester", "-o", "out"], "jester-v1-train.csv (or jester-v1-train"),
        (["dataset", "check", "ucf101", "--root", "."], "write it with: pan-keras dataset prepare"),
        (["train", "ucf101", "--root", "."], "write it with: pan-keras dataset prepare ucf101"),
        (["train", "ucf101"], "UCF101.php: unpack UCF101.rar and"),
        (["train", "ucf101", "--root", ".", "--fold", "4"], "has the official folds 1 to 3"),
        (["train", "motions", "--fold", "1"], "motions has no official folds"),
        (["train", "ucf101", "--fold", "1", "--folds", "5"], "remove one"),
        (["train", "--resume", "--fold", "1"], "remove the other arguments"),
    ],
)
def test_a_mistake_is_one_sentence(arguments, message, ucf101, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if "prepare" in arguments:
        arguments = [*arguments, "--source", ucf101]
    result = invoke(*arguments)
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_and_the_same_command_continues(number, code, ucf101, tmp_path):
    # The signal comes with the third clip, from within.
    program = (
        "import os\n"
        "from pan_keras.cli import main\n"
        "from pan_keras.data import inspection\n"
        "read, count = inspection.read_clip, [0]\n"
        "def slowly(path):\n"
        "    count[0] += 1\n"
        f"    if count[0] == 3: os.kill(os.getpid(), {int(number)})\n"
        "    return read(path)\n"
        "inspection.read_clip = slowly\n"
        f"main(['dataset', 'prepare', 'ucf101', '--source', {str(ucf101)!r}, '-o', "
        f"{str(tmp_path)!r}])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ,
    )
    assert done.returncode == code, done.stderr
    assert "of 17; the same command continues there" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "manifest.csv").exists()
    again = invoke("dataset", "prepare", "ucf101", "--source", ucf101, "-o", tmp_path, "--json")
    assert json.loads(again.stdout)["splits"][0] == {"train": 11, "test": 5}


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKERS)
def test_each_data_set_is_trained_evaluated_and_exported_by_one_command(name, tmp_path):
    MAKERS[name](tmp_path / "data")
    prepared = invoke("dataset", "prepare", name, "--source", tmp_path / "data", "-o", tmp_path)
    assert prepared.exit_code == 0, prepared.output
    run = tmp_path / "run"
    folds = ["--fold", "2"] if name in ("ucf101", "hmdb51") else []
    trained = invoke("train", name, "--root", tmp_path, *folds, "--run", run, *TINY)
    assert trained.exit_code == 0, trained.output
    assert trained.output.endswith(f"next: pan-keras evaluate {run} --protocol\n")
    config = open_run(run).config
    assert config.data.fold == (2 if folds else None)
    assert (config.training.optimizer, config.augmentation.crop) == ("sgd", "multiscale")
    assert config.augmentation.flip == (name in ("kinetics400", "ucf101", "hmdb51"))
    assert ("the paper starts from a network trained on kinetics400" in trained.output) == bool(
        folds
    )
    evaluated = invoke("evaluate", run, "--protocol", "--json")
    assert evaluated.exit_code == 0, evaluated.output
    scores = json.loads(evaluated.stdout)
    clips = {"ucf101": 5, "hmdb51": 3}.get(name, 3)
    assert (scores["split"], scores["clips"]) == ("test" if folds else "val", clips)
    views = ("1", 1) if name in ("something-v1", "something-v2", "jester") else ("full", 2)
    assert (scores["crops"], scores["temporal_clips"]) == views
    split = scores["split"]
    exported = invoke("export", run, "--precision", "float32", "--evaluate", split, "--json")
    assert exported.exit_code == 0, exported.output
    facts = json.loads(exported.stdout)["source"]["data"]
    assert (facts["source"], facts.get("fold")) == (name, 2 if folds else None)
    bundle = (run / "bundle").rename(tmp_path / "bundle")
    measured = invoke("evaluate", bundle, "--protocol", "--root", tmp_path, "--json")
    if views == ("1", 1):
        assert json.loads(measured.stdout)["top1"] == scores["top1"]
        assert json.loads(measured.stdout)["split"] == "val"
    else:
        assert measured.exit_code == 2
        assert f"the protocol of {name} takes whole frames, and the size of an" in measured.stderr


def test_the_mean_over_official_folds(tmp_path, monkeypatch):
    """Each run is tested on its own fold; a fold that is missing or given twice is refused."""
    make_hmdb51(tmp_path / "data")
    invoke("dataset", "prepare", "hmdb51", "--source", tmp_path / "data", "-o", tmp_path)
    runs = [tmp_path / f"fold-{fold}" for fold in (1, 2, 3)]
    for fold, run in enumerate(runs, 1):
        untrained_run(run, tmp_path, f"data.fold={fold}", source="hmdb51", sureness=30.0)
    result = invoke("evaluate", *reversed(runs), "--folds", "-o", tmp_path / "means", "--json")
    assert result.exit_code == 0, result.output
    means = json.loads(result.stdout)
    assert [(fold["fold"], fold["clips"]) for fold in means["folds"]] == [(1, 2), (2, 3), (3, 3)]
    single = json.loads(invoke("evaluate", runs[1], "--json").stdout)
    assert means["folds"][1]["mean_class"] == single["mean_class"]
    values = [fold["mean_class"] for fold in means["folds"]]
    assert means["mean_class"]["mean"] == pytest.approx(sum(values) / 3)
    assert means["metric"] == "mean_class"
    assert json.loads((tmp_path / "means" / "folds.json").read_text()) == means
    scored = []

    def scorer(classifier, *views):
        scored.append(classifier.path)
        return ViewClassifier(classifier, *views)

    module = importlib.import_module("pan_keras.cli.evaluate")
    monkeypatch.setattr(module, "_scorer", lambda *_: nullcontext({"scorer": scorer}))
    elsewhere = invoke("evaluate", *runs, "--folds", "--json")
    assert json.loads(elsewhere.stdout) == means
    assert scored == runs
    for given, message in (
        (runs[:2], "no run of fold 3 is given"),
        ([*runs, runs[0]], "was trained on fold 1, as"),
    ):
        refused = invoke("evaluate", *given, "--folds")
        assert refused.exit_code == 2
        assert message in refused.output
