"""`pan-keras combine` passes its arguments on and answers user errors with one sentence."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from pan_keras.cli import main
from pan_keras.runs import combining

MADE = SimpleNamespace(
    path="full", config=SimpleNamespace(model=SimpleNamespace(name="pan_full_micro"))
)


@pytest.mark.parametrize(("text", "weights"), [("reference", "reference"), ("2,1", [2.0, 1.0])])
def test_arguments_reach_the_function(monkeypatch, text, weights):
    calls = []
    monkeypatch.setattr(
        combining, "combine", lambda *args, **options: calls.append((args, options)) or MADE
    )
    result = CliRunner().invoke(main, ["combine", "a", "b", "-o", "c", "--weights", text])
    assert result.exit_code == 0
    assert calls == [
        ((((Path("a"), Path("b"))), Path("c")), {"weights": weights, "fuse": "logits"})
    ]
    assert "pan_full_micro" in result.output


def test_a_folder_without_a_run_is_a_user_error(tmp_path):
    result = CliRunner().invoke(main, ["combine", str(tmp_path), "b", "-o", str(tmp_path / "c")])
    assert result.exit_code == 2
    assert "not a run folder" in result.output
