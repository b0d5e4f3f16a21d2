"""No command overwrites a file that it reads."""

import os
import shutil

import pytest
from click.testing import CliRunner

from pan_keras.cli import main
from pan_keras.video import probe


@pytest.fixture
def folder(tmp_path, small_motions, monkeypatch):
    """Two videos, a link, a hard link, and a table of them, in the current folder."""
    videos = sorted((small_motions / "test").rglob("*.mp4"))[:2]
    for name, video in zip(("a.mp4", "b.mp4"), videos, strict=True):
        shutil.copy(video, tmp_path / name)
    (tmp_path / "link.mp4").symlink_to("a.mp4")
    os.link(tmp_path / "a.mp4", tmp_path / "hard.mp4")
    os.link(tmp_path / "a.mp4", tmp_path / "hard.png")
    (tmp_path / "test_clips.csv").write_text("path,label,split\na.mp4,left,test\nb.mp4,up,test\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder):
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


COMMANDS = [
    "motion a.mp4 -o a.mp4",
    "motion a.mp4 -o ./link.mp4",
    "motion link.mp4 -o a.mp4",
    "motion a.mp4 -o hard.mp4",
    "motion a.mp4 -o hard.png",
    "predict RUN a.mp4 --overlay a.mp4",
    "predict RUN a.mp4 --overlay link.mp4",
    "predict RUN a.mp4 b.mp4 --overlay .",
    "predict RUN . --overlay .",
    "explain RUN a.mp4 -o a.mp4",
    "explain RUN a.mp4 -o hard.png",
    "explain RUN a.mp4 -o RUN/model.keras",
    "report RUN --output RUN/model.keras",
    "report RUN --output a.mp4",
    "compare RUN RUN -o RUN/model.keras",
    "evaluate RUN test_clips.csv --output .",
    "convert a.mp4 -o a.mp4",
    "convert a.mp4 -o .",
    "convert RUN --to-torch RUN/model.keras",
    "combine RUN RUN -o RUN",
    "dataset make motions .",
    "export RUN -o RUN",
    "export RUN -o DATA",
    "export RUN -o .",
    "export RUN -o . --calibration .",
    "export RUN -o a.mp4",
    "train DATA --run RUN",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_would_overwrite_what_it_reads_is_refused_in_a_sentence(
    command, folder, own_run, small_motions
):
    before = contents(folder)
    data = str(small_motions)
    arguments = [
        each.replace("RUN", str(own_run.path)).replace("DATA", data) for each in command.split()
    ]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert contents(folder) == before


def test_other_outputs_are_written(folder, own_run):
    (folder / "drawn").mkdir()
    for command in ("motion a.mp4 -o c.png", f"predict {own_run.path} a.mp4 b.mp4 --overlay drawn"):
        result = CliRunner().invoke(main, command.split(), catch_exceptions=False)
        assert result.exit_code == 0, result.output
    assert probe(folder / "drawn" / "a.mp4").frames == probe(folder / "a.mp4").frames
