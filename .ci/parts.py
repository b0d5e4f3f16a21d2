"""Tests an installation with some extras of pan-keras by using it.

    python .ci/parts.py ENVIRONMENT [EXTRA...]

ENVIRONMENT has pan-keras with only these extras, without TensorFlow, Keras and OpenCV.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUNDLE = ROOT / "tests/golden/before/schema2/bundle"
FORMATS = {"litert": ".tflite", "onnx": ".onnx"}
CLIP = """
import numpy as np
from pan_keras.video.writer import writing_video

with writing_video("clip.mp4", rate=25) as write:
    for number in range(20):
        write(np.roll(np.tile(np.arange(0, 256, 4, "uint8")[:, None], (48, 1, 3)), number, axis=1))
"""
TIMEOUT = 120


def use(environment: Path, extras: set[str], folder: Path) -> None:
    """Runs commands in an empty folder; exits at the first unexpected result."""

    def run(*command: object, code: int = 0) -> str:
        line = " ".join(map(str, command))
        done = subprocess.run(
            [environment / "bin" / str(command[0]), *map(str, command[1:])],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        print(f"$ {line}\n{done.stdout}{done.stderr}", end="", flush=True)  # noqa: T201
        if done.returncode != code or "Traceback" in done.stderr:
            sys.exit(f"{line}: exit code {done.returncode} instead of {code}")
        return done.stdout + done.stderr

    def expect(text: str, wanted: str) -> None:
        if wanted not in text:
            sys.exit(f"{wanted!r} is not in the output")

    expect(run("pan-keras", "--help"), "predict")
    for command, extra in (("train", "train"), ("report", "train"), ("export", "export")):
        expect(run("pan-keras", command, "x", code=2), f'pip install "pan-keras[{extra}]"')
    formats = [ending for extra, ending in FORMATS.items() if extra in extras]
    for command in (("pan-keras", "verify"), ("python", "-m", "pan_keras.runtime")):
        said = run(*command, BUNDLE, code=0 if formats else 2)
        if not formats:
            expect(said, 'pip install "pan-keras[litert]"')
        for ending in formats:
            expect(said, f"model_int8{ending}: good")
    if not formats:
        return
    if not extras & {"video", "pictures", "remote"}:
        expect(run("pan-keras", "predict", BUNDLE, __file__, code=2), '"pan-keras[video]"')
        return
    run("python", "-c", CLIP)
    for ending in formats:
        expect(run("pan-keras", "predict", BUNDLE, "clip.mp4", "--format", ending[1:]), "%")
    run("pan-keras", "predict", BUNDLE, "--source", "clip.mp4")
    nowhere = "http://127.0.0.1:9/clip.mp4"
    told = "cannot be read after 5 attempts" if "remote" in extras else '"pan-keras[remote]"'
    expect(run("pan-keras", "predict", BUNDLE, nowhere, code=2), told)
    expect(run("python", "-m", "pan_keras.runtime", BUNDLE, "clip.mp4"), "%")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        use(Path(sys.argv[1]).resolve(), set(sys.argv[2:]), Path(folder))
