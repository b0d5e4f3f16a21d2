"""The examples in the documents work: Python and commands, settings, make targets.

Each document is run from top to bottom in a folder with the files of a user: videos and a
checkpoint. Networks are made small, trainings are cut to one epoch, benchmarks to two rounds.
Commands that cannot run here (because they need the network, an environment, or data that may not
be shipped) are parsed by the command line but not run.
"""

import re
import shlex
import tomllib
from pathlib import Path

import numpy as np
import pytest
from short_benchmarks import cut_benchmarks

from pan_keras import api, models
from pan_keras.checkpoints import save_state_dict
from pan_keras.cli import main
from pan_keras.config import load_config
from pan_keras.data import load_card

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

SHOWN_ONLY = {"text", "bibtex"}
OTHER_PROGRAMS = {"pip", "pre-commit", "git"}
# No limits for int8 of a network that was trained for one epoch.
LENIENT = '[export]\nevaluate = "none"\n[int8]\nagreement = 0\ncosine = -1\n'
SMALL = {"size": [24, 32], "resize": 28}
QUICK = {
    "train": [
        *("--set", "training.epochs=1"),
        *(word for key, value in SMALL.items() for word in ("--set", f"model.{key}={value}")),
    ],
    "convert": ["--size", "32", "32"],
    "dataset make": ["--clips", "48"],
    "export": ["--recipe", "lenient.toml"],
    "bench model": ["--quick", "--size", "32", "--target", "litert", "--precision", "float32"],
    "bench motion": ["--quick", "--size", "32", "--method", "difference"],
    "bench train-step": ["--quick", "--size", "32", "--model", "tsn_micro"],
    "bench video": [
        "--quick",
        "--size",
        "32",
        "--method",
        "pan_lite",
        "--backbone",
        "micro",
        "--precision",
        "float32",
    ],
    "bench peers": ["--quick", "--method", "pan_lite_micro"],
    "bench decode": ["--quick", "--reader", "pan_keras"],
}
NEEDS_ABSENT_DATA = ("egogestar", "something-v", "jester", "kinetics", "ucf101", "hmdb51", "NAME")
TAKES_MINUTES = ["demo"]


@pytest.fixture
def desk(small_motions, tmp_path, monkeypatch):
    """A folder with videos in class folders, as the documents assume."""
    for number, video in enumerate(sorted(small_motions.rglob("*.mp4"))):
        folder = tmp_path / "videos" / video.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.mp4").symlink_to(video)
    (tmp_path / "clip.mp4").symlink_to(video)
    # A smaller network than its name says, in place of the user's checkpoint.
    network = models.create("pan_lite_micro", classes=8, size=32)
    save_state_dict(network, tmp_path / "PAN_Lite_resnet50.pth.tar")
    (tmp_path / "labels.txt").write_text("\n".join("abcdefgh"), encoding="utf-8")
    (tmp_path / "lenient.toml").write_text(LENIENT)
    monkeypatch.chdir(tmp_path)
    make_python_quick(monkeypatch)
    return tmp_path


def make_python_quick(monkeypatch):
    """Shortens Python blocks as `QUICK` does commands, and all quick benchmarks."""
    train, export = api.train_run, api.export_model

    def train_quickly(*arguments, sections, **options):
        training = {**sections.get("training", {}), "epochs": 1}
        model = {**sections.get("model", {}), **SMALL}
        sections = {**sections, "training": training, "model": model}
        return train(*arguments, sections=sections, **options)

    def export_leniently(model, recipe, *arguments, **options):
        return export(model, recipe or "lenient.toml", *arguments, **options)

    monkeypatch.setattr(api, "train_run", train_quickly)
    monkeypatch.setattr(api, "export_model", export_leniently)
    cut_benchmarks(monkeypatch)


def run_line(line):
    """Runs one line of a shell block, or only parses it."""
    program, *arguments = shlex.split(line, comments=True)
    if program == "make":
        assert set(arguments) <= TARGETS, f"{line}: no such target"
    elif program == "pan-keras":
        run_command(arguments)
    else:
        assert program in OTHER_PROGRAMS, f"{line}: a program that this test does not know"


def run_command(arguments):
    absent = any(name in " ".join(arguments) for name in NEEDS_ABSENT_DATA)
    if absent or arguments == TAKES_MINUTES:
        name, *options = arguments
        main.commands[name].make_context(name, options)
        return
    if "--resume" not in arguments:
        cut = QUICK.get(" ".join(arguments[:2]), QUICK.get(arguments[0], []))
        arguments = [*arguments, *cut]
    main.main(arguments, prog_name="pan-keras", standalone_mode=False)


def read_settings(text, folder):
    """Settings and data set cards are TOML files; a file must be one of the two."""
    tables = tomllib.loads(text)
    file = folder / ("card.toml" if "classes" in tables else "settings.toml")
    file.write_text(text, encoding="utf-8")
    if "classes" in tables:
        training = dict(load_card(file).training)
        load_config(training.pop("config", "small"), card=training)
    else:
        load_config(file=file)


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS)
def test_code_blocks_run_in_order(document, desk):
    names = {"np": np}
    for language, text in BLOCK.findall((ROOT / document).read_text(encoding="utf-8")):
        if language == "python":
            exec(compile(text, document, "exec"), names)
        elif language == "sh":
            for line in text.replace("\\\n", " ").splitlines():
                run_line(line)
        elif language == "toml":
            read_settings(text, desk)
        else:
            assert language in SHOWN_ONLY, f"{document}: a block of {language or 'no language'}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_mentioned_commands_exist(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    for name, below in re.findall(r"`pan-keras ([a-z]+)(?: ([a-z-]+))?", text):
        assert name in main.commands
        assert below in getattr(main.commands[name], "commands", {below})
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= TARGETS


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_between_files_are_valid(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", text):
        assert (ROOT / document).parent.joinpath(target).exists(), f"{document}: {target}"
