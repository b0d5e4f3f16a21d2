"""The runtime works on a device without TensorFlow, Keras and OpenCV."""

import subprocess
import sys
from pathlib import Path

import pytest
from video_files import moving_frames, write_video

ROOT = Path(__file__).parents[2]

# Python treats modules that are None in `sys.modules` as not installed.
BLOCK = """
import sys

sys.modules.update(dict.fromkeys(sys.argv[1].split(",")))
"""
RECOGNISE = """
from pan_keras.runtime import Recogniser

recogniser = Recogniser(sys.argv[2])
print(recogniser.bundle.choose().format, recogniser.recognise(sys.argv[3]).label)
print(*sys.modules, file=sys.stderr)
"""
NEVER = {"tensorflow", "keras", "cv2", "click", "rich", "matplotlib", "jsonschema"}


def run(program, *arguments):
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("videos") / "clip.mp4", moving_frames(20))


@pytest.mark.parametrize(
    ("absent", "used"),
    [("onnxruntime,onnx", "tflite"), ("ai_edge_litert", "onnx")],
    ids=["LiteRT alone", "ONNX Runtime alone"],
)
def test_a_device_with_one_runtime_recognises_a_video(bundle, video, absent, used):
    done = run(BLOCK + RECOGNISE, ",".join({*NEVER, absent}), bundle, video)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == used


def test_heavy_packages_are_not_imported_even_if_installed(bundle, video):
    done = run("import sys\n" + RECOGNISE, "", bundle, video)
    assert done.returncode == 0, done.stderr
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert not loaded & NEVER
    assert {"av", "numpy", "ai_edge_litert"} <= loaded


def test_without_a_runtime_the_error_says_what_to_install(bundle, video):
    done = run(
        BLOCK + RECOGNISE, ",".join({*NEVER, "onnxruntime", "ai_edge_litert"}), bundle, video
    )
    assert 'pip install "pan-keras[litert]"' in done.stderr
