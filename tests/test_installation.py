"""Where a part is not installed, one sentence says what to install."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from video_files import moving_frames, write_video

from pan_keras.installation import PACKAGES, missing_part

ROOT = Path(__file__).parents[1]
# To Python, what stands there as None is not installed.
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


def one_sentence(done, package):
    assert done.returncode == 2, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("Error: ")
    assert f"pip install '{package}" in lines[0] or f"pip install {package}" in lines[0]


@pytest.mark.parametrize(
    ("absent", "package", "arguments"),
    [
        ("click", "click", ("--help",)),
        ("tensorflow", "tensorflow", ("train", "videos")),
        ("tensorflow", "tensorflow", ("models",)),
        ("keras", "keras", ("models",)),
        ("cv2", "opencv-python-headless", ("predict", "{bundle}", "{video}", "--overlay", "o.mp4")),
        ("cv2", "opencv-python-headless", ("predict", "{bundle}", "--source", "0")),
        ("av", "av", ("predict", "{bundle}", "{video}")),
        ("jsonschema", "jsonschema", ("verify", "{bundle}")),
        ("ai_edge_litert,onnxruntime", "ai-edge-litert", ("predict", "{bundle}", "{video}")),
        ("matplotlib", "matplotlib", ("explain", "{bundle}", "{video}", "-o", "o.png")),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_command_says_what_to_install(bundle, video, tmp_path, absent, package, arguments):
    given = [word.format(bundle=bundle, video=video) for word in arguments]
    one_sentence(without(absent, "pan_keras", *given), package)


@pytest.mark.parametrize(
    ("absent", "package", "arguments"),
    [
        ("ai_edge_litert,onnxruntime", "ai-edge-litert", ("{bundle}",)),
        ("ai_edge_litert,onnxruntime", "ai-edge-litert", ("{bundle}", "{video}")),
        ("av", "av", ("{bundle}", "{video}")),
    ],
    ids=["no runtime to check", "no runtime to recognise", "no PyAV"],
)
def test_the_runtime_says_what_to_install(bundle, video, absent, package, arguments):
    given = [word.format(bundle=bundle, video=video) for word in arguments]
    one_sentence(without(absent, "pan_keras.runtime", *given), package)


def test_vectors_and_frames_need_no_pyav(bundle):
    assert without("av,cv2,click", "pan_keras.runtime", bundle).returncode == 0


def test_a_module_of_nobodys_is_a_bug():
    assert missing_part(ModuleNotFoundError(name="pan_keras.absent")) is None
    assert missing_part(ModuleNotFoundError()) is None


def test_every_requirement_of_the_project_is_known():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = {line.partition("<")[0].partition(">")[0] for line in project["dependencies"]}
    assert required <= set(PACKAGES.values())
    sentence = str(missing_part(ModuleNotFoundError(name="numpy.linalg")))
    assert sentence.startswith("numpy is not installed; pip install 'numpy")
