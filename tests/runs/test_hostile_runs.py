"""Untrusted and edited run folders raise a user error in every reader."""

import json
import os
import tomllib

import pytest
import tomli_w
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pan_keras.cli import main
from pan_keras.errors import UserError
from pan_keras.runs.run import Run, open_run

DEEP = "[" * 100_000 + "]" * 100_000


def write(name, content):
    def change(folder):
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    return change


def replace(name, old, new):
    def change(folder):
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))

    return change


def setting(section, key, value):
    def change(folder):
        tables = tomllib.loads((folder / "config.toml").read_text())
        assert key in tables[section]
        tables[section][key] = value
        (folder / "config.toml").write_text(tomli_w.dumps(tables))

    return change


def pipe(name):
    def change(folder):
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return change


HOSTILE = {
    "labels are too few": write("labels.txt", "left\nright\n"),
    "labels are none": write("labels.txt", ""),
    "labels are not text": write("labels.txt", b"\xff\xfe\x00"),
    "labels with escapes": replace("labels.txt", "left", "le\x1b[2Jft"),
    "labels twice": replace("labels.txt", "left", "right"),
    "labels are a pipe": pipe("labels.txt"),
    "configuration is a pipe": pipe("config.toml"),
    "configuration is not text": write("config.toml", b"\xff\xfe\x00"),
    "configuration is deep": write("config.toml", "a = " + DEEP),
    "segments without end": setting("model", "segments", 10**9),
    "a size without end": setting("model", "size", [10**6, 10**6]),
    "resize without end": setting("model", "resize", 10**9),
    "another size than the model's": setting("model", "size", [32, 24]),
    "another stack than the model's": setting("model", "stack", 3),
    "a seed of no number": setting("training", "seed", float("nan")),
    "the model is text": write("model.keras", "hello"),
    "the model is a pipe": pipe("model.keras"),
}
READ_BY_FEWER = {
    "preprocessing.json": lambda run: run.preprocessing,
    "data_report.json": lambda run: run.data_report,
    "versions.json": lambda run: run.versions,
    "metrics.csv": lambda run: run.metrics(),
}


@pytest.mark.parametrize("command", [("evaluate",), ("predict", "{clip}")])
@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_command_refuses_it_in_one_sentence(change, command, own_run, small_motions):
    change(own_run.path)
    name, *arguments = (part.format(clip=next(small_motions.rglob("*.mp4"))) for part in command)
    result = CliRunner().invoke(main, [name, str(own_run.path), *arguments])
    assert result.exit_code == 2, result.output
    assert str(own_run.path) in result.output
    assert "Traceback" not in result.output
    assert "\x1b" not in result.output


@pytest.mark.parametrize("name", READ_BY_FEWER)
@pytest.mark.parametrize("content", ["hello", "7", "[]", DEEP, b"\xff\xfe\x00", "a,b\nc,d\n"])
def test_a_meaningless_record_is_refused_by_name(name, content, own_run):
    write(name, content)(own_run.path)
    with pytest.raises(UserError, match=name.replace(".", r"\.")):
        READ_BY_FEWER[name](Run(own_run.path))


@pytest.mark.parametrize("content", ["hello", "7", "{}", '{"sizes": 3, "skipped": 7}'])
def test_a_report_leaves_out_a_damaged_record_or_names_it(content, own_run):
    for name in ("data_report.json", "versions.json", "preprocessing.json"):
        write(name, content)(own_run.path)
        result = CliRunner().invoke(main, ["report", str(own_run.path)])
        assert result.exception is None or result.exit_code == 2, result.output


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_configuration_is_read_or_refused(run, tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("run")
    text = (run.path / "config.toml").read_text()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    new = data.draw(
        st.text(max_size=12) | st.sampled_from(["nan", "-1", "1e308", "[", '"', "9" * 30])
    )
    (folder / "config.toml").write_text(text[:start] + new + text[end:])
    try:
        open_run(folder).config  # noqa: B018
    except UserError as error:
        assert "config.toml" in str(error)


def test_a_valid_run_is_read(own_run, small_motions):
    clip = next(small_motions.rglob("*.mp4"))
    result = CliRunner().invoke(main, ["predict", str(own_run.path), str(clip), "--json"])
    assert result.exit_code == 0, result.output
    assert len(json.loads(result.stdout)["predictions"]) > 1
