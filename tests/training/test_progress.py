"""Progress output of training on terminals, in notebooks and in files."""

import sys
from types import SimpleNamespace

import pytest

from pan_keras.training import progress
from pan_keras.training.progress import ConsoleProgress

LOGS = {"loss": 0.5, "accuracy": 0.75, "clips_per_second": 9.5, "input_wait": 0.02}


class ZMQInteractiveShell:
    """Has the class name of a notebook shell."""


class TerminalInteractiveShell:
    """Has the class name of IPython's terminal shell."""


@pytest.fixture
def run_epoch(monkeypatch):
    monkeypatch.setattr(progress, "SECONDS", 0)

    def run_epoch(**options):
        with ConsoleProgress(epochs=20, steps=2, **options) as shown:
            shown.on_epoch_begin(3)
            shown.on_train_batch_end(0, LOGS)
            shown.on_train_batch_end(1, LOGS)
            shown.on_epoch_end(3, {**LOGS, "val_loss": 0.25, "val_accuracy": 1.0})
            shown.note("a note")
            shown.message("a warning")

    return run_epoch


def shell(monkeypatch, kind):
    ipython = SimpleNamespace(get_ipython=kind)
    monkeypatch.setitem(sys.modules, "IPython", ipython)


def test_elsewhere_there_is_one_line_per_epoch(run_epoch, capsys):
    run_epoch()
    written = capsys.readouterr()
    assert written.err == (
        "epoch 4/20  loss 0.500  accuracy 0.750  val loss 0.250  val accuracy 1.000  "
        "9.5 clips/s  input wait 2.0%\na note\na warning\n"
    )
    assert written.out == ""


def test_quiet_leaves_warnings(run_epoch, capsys):
    run_epoch(quiet=True)
    assert capsys.readouterr().err == "a warning\n"


def test_in_a_notebook_a_line_moves_within_the_epoch(run_epoch, capsys, monkeypatch):
    shell(monkeypatch, ZMQInteractiveShell)
    run_epoch()
    written = capsys.readouterr()
    assert written.err == ""
    steps = [text for text in written.out.split("\r") if text.startswith("epoch 4/20  step")]
    assert [text.split("  ")[1] for text in steps] == ["step 1/2", "step 2/2"]
    # The lines that remain are those printed without a notebook.
    stays = [line.rpartition("\r")[2] for line in written.out.rstrip("\n").split("\n")]
    assert stays[0].startswith("epoch 4/20  loss 0.500")
    assert stays[1:] == ["a note", "a warning"]


def test_a_quiet_notebook_shows_warnings_only(run_epoch, capsys, monkeypatch):
    shell(monkeypatch, ZMQInteractiveShell)
    run_epoch(quiet=True)
    assert capsys.readouterr().out == "a warning\n"


def test_ipython_on_a_terminal_is_not_a_notebook(run_epoch, capsys, monkeypatch):
    shell(monkeypatch, TerminalInteractiveShell)
    run_epoch()
    assert "step 1/2" not in capsys.readouterr().out


def test_control_characters_of_file_names_do_not_reach_the_terminal(capsys):
    with ConsoleProgress(epochs=1, steps=1) as shown:
        shown.message("bad\x1b[31m.mp4: left out")
    assert "\x1b" not in capsys.readouterr().err
