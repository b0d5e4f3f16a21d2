"""A missing package is reported with the command that installs it."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from video_files import moving_frames, write_video

from pan_keras.cli import COMMANDS, EXTRAS
from pan_keras.installation import INCLUDED, PACKAGES, missing_part

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Modules that a plain installation lacks.
EXTRA_MODULES = ",".join(module for module, (_, extra) in PACKAGES.items() if extra)
# Python treats modules that are None in `sys.modules` as not installed.
BLOCK = """
import runpy
import sys

sys.modules.update(dict.fromkeys(sys.argv.pop(1).split(",")))
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


def without(absent, module, *arguments):
    return subprocess.run(
        [sys.executable, "-c", BLOCK, absent, module, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=120,
    )


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("videos") / "clip.mp4", moving_frames(20))


def one_sentence(done, package, install):
    assert done.returncode == 2, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("Error: ")
    assert f"{package} is" in lines[0]
    assert f"installed; pip install {install}" in lines[0]


@pytest.mark.parametrize(
    ("absent", "package", "extra", "arguments"),
    [
        ("tensorflow", "tensorflow", "train", ("train", "videos")),
        ("tensorflow", "tensorflow", "export", ("export", "run")),
        ("tensorflow", "tensorflow", "train", ("predict", "run", "{video}")),
        ("keras", "keras", "train", ("models",)),
        (
            "cv2",
            "opencv-contrib-python-headless",
            "pictures",
            ("predict", "{bundle}", "--source", "0"),
        ),
        (
            "cv2",
            "opencv-contrib-python-headless",
            "pictures",
            ("predict", "{bundle}", "{video}", "--overlay", "o.mp4"),
        ),
        ("av", "av", "video", ("predict", "{bundle}", "{video}")),
        ("av", "av", "train", ("dataset", "check", "videos")),
        ("matplotlib", "matplotlib", "pictures", ("explain", "{bundle}", "{video}", "-o", "o.png")),
    ],
)
def test_a_command_says_what_to_install(bundle, video, tmp_path, absent, package, extra, arguments):
    given = [word.format(bundle=bundle, video=video) for word in arguments]
    one_sentence(without(absent, "pan_keras", *given), package, f'"pan-keras[{extra}]"')


@pytest.mark.parametrize(
    ("absent", "arguments"),
    [("click", ("--help",)), ("jsonschema", ("verify", "{bundle}"))],
    ids=["click", "jsonschema"],
)
def test_packages_of_every_installation_are_installed_without_an_extra(bundle, absent, arguments):
    given = [word.format(bundle=bundle) for word in arguments]
    one_sentence(without(absent, "pan_keras", *given), absent, "pan-keras")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_in_a_plain_installation_every_command_says_what_to_install(bundle, video, command):
    arguments = {
        "bench": ("model", "pan_lite_micro"),
        "combine": (bundle, bundle, "-o", "both"),
        "convert": (bundle, "-o", "run"),
        "copy": (bundle, "s3://bucket/name"),
        "dataset": ("check", bundle),
        "demo": (),
        "explain": (bundle, video),
        "models": (),
        "motion": (video, "-o", "motion.png"),
        "predict": (bundle, video),
        "settings": (),
    }.get(command.name, (bundle,))
    done = without(EXTRA_MODULES, "pan_keras", command.name, *arguments)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.strip().splitlines()
    extra = EXTRAS.get(command.name)
    assert 'pip install "pan-keras[' + (f"{extra}]" if extra else "") in line


def test_help_works_in_a_plain_installation():
    assert "predict" in without(EXTRA_MODULES, "pan_keras", "--help").stdout


@pytest.mark.parametrize(
    ("absent", "package", "extra", "arguments"),
    [
        ("ai_edge_litert,onnxruntime", "its models", "litert", ("{bundle}",)),
        ("ai_edge_litert,onnxruntime", "its runtime", "litert", ("{bundle}", "{video}")),
        ("av", "av", "video", ("{bundle}", "{video}")),
    ],
    ids=["no runtime to check", "no runtime to recognise", "no PyAV"],
)
def test_the_runtime_says_what_to_install(bundle, video, absent, package, extra, arguments):
    given = [word.format(bundle=bundle, video=video) for word in arguments]
    one_sentence(without(absent, "pan_keras.runtime", *given), package, f'"pan-keras[{extra}]"')


@pytest.mark.parametrize(
    ("module", "format", "other"),
    [("ai_edge_litert", "tflite", "onnx"), ("onnxruntime", "onnx", "tflite")],
)
def test_one_runtime_and_pyav_are_enough_for_a_bundle(bundle, video, module, format, other):
    absent = ",".join(set(EXTRA_MODULES.split(",")) - {module, "av"})
    verified = without(absent, "pan_keras", "verify", bundle)
    assert verified.returncode == 0, verified.stderr
    assert f"model_float32.{format}: good" in verified.stdout
    assert f"model_float32.{other}: not run" in verified.stdout
    looked_into = next(line for line in verified.stdout.splitlines() if "facts inside" in line)
    assert f"model_float32.{other}" in looked_into
    assert f"model_float32.{format}" not in looked_into
    predicted = without(absent, "pan_keras", "predict", bundle, video)
    assert predicted.returncode == 0, predicted.stderr
    assert "%" in predicted.stdout
    live = without(absent, "pan_keras", "predict", bundle, "--source", video)
    assert live.returncode == 0, live.stderr
    explained = without(absent, "pan_keras", "explain", bundle, video)
    assert explained.returncode == 0, explained.stderr


def test_vectors_and_frames_need_no_pyav(bundle):
    assert without("av,cv2,click", "pan_keras.runtime", bundle).returncode == 0


def test_an_unknown_missing_module_is_not_a_user_error():
    assert missing_part(ModuleNotFoundError(name="pan_keras.absent")) is None
    assert missing_part(ModuleNotFoundError()) is None


def names(requirements):
    return {Requirement(line).name for line in requirements} - {PROJECT["name"]}


def test_the_extras_are_those_of_the_project():
    extras = PROJECT["optional-dependencies"]
    assert names(PROJECT["dependencies"]) == {
        name for name, extra in PACKAGES.values() if not extra
    }
    for name, extra in PACKAGES.values():
        assert not extra or name in names(extras[extra])
    assert names(line for extra in extras.values() for line in extra) <= {
        name for name, _ in PACKAGES.values()
    }


def test_included_extras_match_pyproject():
    extras = PROJECT["optional-dependencies"]
    for extra, included in INCLUDED.items():
        assert extras[extra][0] == f"{PROJECT['name']}[{','.join(included)}]"


def test_submodules_belong_to_their_package():
    error = missing_part(ModuleNotFoundError(name="matplotlib.pyplot"), "litert")
    assert str(error) == 'matplotlib is not installed; pip install "pan-keras[pictures]"'
