"""User errors of `pan-keras bench` give one sentence and exit code 2."""

import sys

import pytest
from click.testing import CliRunner
from results_made import made_results
from small_disks import small_disk

from pan_keras.bench import suite
from pan_keras.cli import main


def run(*arguments):
    return CliRunner().invoke(main, ["bench", *map(str, arguments)])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("motion", "--target", "tpu"), "target: 'tpu' is not one of"),
        (("motion", "--method", "flow"), "method: 'flow' is not one of"),
        (("motion", "--method", "tvl1", "--target", "litert"), "does not run on litert"),
        (("motion", "--target", "android"), "target: motion does not run on android"),
        (("model", "tsn_micro", "--target", "android"), "tsn_micro: not a bundle"),
        (("model", "tsn_micro", "--target", "tpu"), "target: 'tpu' is not one of"),
        (("all", "--report", "report", "--only", "speed"), "benchmark: 'speed' is not one of"),
    ],
)
def test_unknown_names_and_missing_files_are_named(arguments, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2
    assert sentence in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("module", "target", "package"),
    [
        ("ai_edge_litert", "litert", "litert"),
        ("keras", "keras", "train"),
        ("onnxruntime", "onnxruntime", "onnx"),
        ("cv2", "opencv", "pictures"),
        ("av", "pyav", "video"),
    ],
)
def test_a_runtime_that_is_missing_is_named_with_its_install_line(
    module, target, package, monkeypatch
):
    monkeypatch.setitem(sys.modules, module, None)
    result = run("motion", "--target", target)
    assert result.exit_code == 2
    assert f"target {target}: " in result.output
    assert f'pip install "pan-keras[{package}]"' in result.output


def test_bench_all_writes_the_report_and_prints_its_path(tmp_path, monkeypatch):
    monkeypatch.setattr(suite, "SUITE", {"motion": lambda *_: made_results()})
    result = run("all", "--report", tmp_path / "report", "--only", "motion")
    assert result.exit_code == 0, result.output
    assert "index.html" in result.output
    assert {file.suffix for file in (tmp_path / "report").iterdir()} == {
        *(".csv", ".html", ".json", ".md")
    }


def test_a_report_that_cannot_be_written_is_found_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(suite, "SUITE", {"motion": lambda *_: pytest.fail("it ran")})
    (tmp_path / "file").touch()
    result = run("all", "--report", tmp_path / "file" / "report")
    assert result.exit_code == 2
    assert str(tmp_path / "file") in result.output


def test_a_full_disk_loses_no_result(tmp_path, monkeypatch):
    monkeypatch.setattr(suite, "SUITE", {"motion": lambda *_: made_results()})
    with small_disk(tmp_path / "disk", kilobytes=8) as disk:
        result = run("all", "--report", disk / "report")
        assert result.exit_code == 2
        assert made_results().to_text() in result.stdout
        (sentence,) = result.stderr.strip().splitlines()[-1:]
        assert "the disk is full" in sentence
        assert str(disk / "report") in sentence
        assert not list(disk.rglob("*.tmp*"))


def test_ctrl_c_between_the_rounds_of_two_benchmarks_keeps_the_first(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    benchmarks = {"motion": lambda *_: made_results(), "model": interrupted, "video": interrupted}
    monkeypatch.setattr(suite, "SUITE", benchmarks)
    result = run("all", "--report", tmp_path / "report")
    assert result.exit_code == 130
    assert (tmp_path / "report" / "motion.json").is_file()
    assert not (tmp_path / "report" / "model.json").exists()


def test_accuracies_that_cannot_be_read_are_found_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(suite, "SUITE", {"motion": lambda *_: pytest.fail("it ran")})
    (tmp_path / "results.csv").write_text("a,b\n1,2\n")
    result = run("all", "--report", tmp_path / "report", "--accuracy", tmp_path)
    assert result.exit_code == 2
    assert "not a table of accuracies" in result.output
