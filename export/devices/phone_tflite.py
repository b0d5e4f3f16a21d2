"""Runs the test vectors of a bundle on TensorFlow Lite's library for Android, on emulated Arm.

    python export/devices/phone_tflite.py BUNDLE LIBRARY STANDINS PROCESSOR

LIBRARY is libtensorflowlite_jni.so for arm64-v8a, STANDINS the output of
android_demo/standins/build.sh for it, PROCESSOR a processor that qemu supports. Each TFLite file
runs with TensorFlow Lite's own kernels and with XNNPACK. Exit code 1 if a logit exceeds the limit
of the vectors.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pan_keras.bundle import Bundle, ModelFile, Vectors
from pan_keras.errors import UserError
from pan_keras.printable import printable_lines
from pan_keras.runtime.verification import compare

SYSROOT = "/usr/aarch64-linux-gnu"
SECONDS = 120  # for all clips of a file; seconds even for a large one
KERNELS = {"0": "own kernels", "1": "XNNPACK"}


def main() -> int:
    """Returns 0 for success, 1 if an output is wrong, 2 if nothing could be run."""
    if len(sys.argv) != 5:
        sys.exit(f"usage: {Path(sys.argv[0]).name} BUNDLE LIBRARY STANDINS PROCESSOR")
    path, library, standins, processor = sys.argv[1:]
    command = ["qemu-aarch64-static", "-cpu", processor, "-L", SYSROOT]
    command += [f"{standins}/run_model", standins, library]
    failed = False
    try:
        bundle = Bundle.open(path)
        vectors = Vectors.read(bundle)
        for entry in bundle.entries:
            if entry.format != "tflite":
                continue
            for xnnpack, kernels in KERNELS.items():
                subject = f"{entry.file}, {kernels}"
                found = answers(command, xnnpack, bundle, entry, vectors)
                finding = compare(subject, vectors.expected[entry.file], found)
                print(printable_lines(finding.to_text()), flush=True)
                failed |= bool(finding.problems)
    except (UserError, subprocess.TimeoutExpired) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return int(failed)


def answers(
    command: list[str], xnnpack: str, bundle: Bundle, entry: ModelFile, vectors: Vectors
) -> Iterator[np.ndarray]:
    """Computes the logits of each clip; for a streaming model, after each segment."""
    calls = bundle.shape.array[0] if entry.streaming else 1
    wanted = vectors.expected[entry.file].logits
    done = subprocess.run(
        [*command, str(bundle.path / entry.file), "1", xnnpack, str(calls)],
        input=vectors.clips.tobytes(),
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    logits = np.frombuffer(done.stdout, "<f4")
    if done.returncode or logits.size != wanted.size:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise UserError(f"{entry.file}: the library stopped ({done.returncode}): {said[-1]}")
    return iter(logits.reshape(wanted.shape))


if __name__ == "__main__":
    sys.exit(main())
