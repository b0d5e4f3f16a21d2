"""Bundles and decoded videos for the tests of the Android app, with expected outputs.

    PYTHONPATH=. python tests/android_inputs.py FOLDER

writes

* `bundles/clip`: clip models in all precisions; `bundles/live`: clip and streaming models with
  motion maps;
* `videos/NUMBER.i420`: the planes of a video, frame after frame, and `.properties` about it;
* `predicted/BUNDLE/MODEL.f32`: the logits of each video, as `pan-keras predict` has them;
* `watched/BUNDLE.f32`: the predictions for a camera that shows all videos: frame number, logits.

Numbers are float32, little-endian.
"""

import shutil
import sys
from pathlib import Path

import av
import numpy as np
from exports import LENIENT
from video_files import moving_frames, write_video

from pan_keras.api import train
from pan_keras.data import make_motions
from pan_keras.deploy import export
from pan_keras.inference.opening import open_classifier
from pan_keras.inference.views import ViewClassifier
from pan_keras.runtime import Recogniser
from pan_keras.video import read_frames

VIDEOS = 24
EPOCHS = 10
ALL = ["float32", "float16", "dynamic", "int8"]
BT709, FULL = 1, 2
CAMERA = 25.0  # frames per second, different from training


def trained_run(folder, motions):
    """A run of a small network, trained enough to distinguish motions."""
    return train(
        "motions",
        root=motions,
        model={
            "name": "pan_lite_micro",
            "segments": 4,
            "stack": 2,
            "size": [24, 32],
            "resize": 32,
            "causal": True,
        },
        training={"epochs": EPOCHS, "batch": 8},
        run=folder,
        quiet=True,
    )


def write_bundles(folder, run):
    """A bundle of clip models in all precisions, and one with streaming models and motion maps."""
    wanted = {"formats": ["tflite", "onnx"], "evaluate": "none"}
    kinds = {
        "clip": {"precisions": ALL, "dynamic_batch": True},
        "live": {"streaming": True, "with_motion": True},
    }
    return [
        export(
            run.path,
            output=folder / "bundles" / name,
            overrides=LENIENT | {"export": wanted | kind},
        )
        for name, kind in kinds.items()
    ]


def write_planes(video, target):
    """All frames of a video as planes, as any decoder gives them."""
    frames = 0
    with av.open(str(video)) as container, target.with_suffix(".i420").open("wb") as file:
        for frame in container.decode(video=0):
            assert frame.format.name in ("yuv420p", "yuvj420p"), frame.format
            for plane in frame.planes:
                rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
                file.write(rows[:, : plane.width].tobytes())
            frames += 1
    facts = {
        "frames": frames,
        "width": frame.width,
        "height": frame.height,
        "matrix": "BT709" if frame.colorspace == BT709 else "BT601",
        "full": str(frame.color_range == FULL).lower(),
        "rotation": -frame.rotation % 360,
    }
    text = "".join(f"{name}={value}\n" for name, value in facts.items())
    target.with_suffix(".properties").write_text(text, encoding="utf-8")
    return frames


def predicted(bundle, entry, videos):
    """Logits `(videos, classes)` of `pan-keras predict`."""
    classifier = open_classifier(bundle.path, precision=entry.precision, file_format=entry.format)
    found = ViewClassifier(classifier, "1", 1, "logits")(videos)
    return np.stack([each.scores for each in found])


def watched(bundle, videos, counts):
    """Predictions for a camera that shows the videos: rows of frame number and logits."""
    recogniser = Recogniser(bundle, "float32", file_format="tflite")
    shown = (
        frame
        for video, count in zip(videos, counts, strict=True)
        for frame in read_frames(video, np.arange(count))
    )
    return np.stack(
        [
            np.append(number, answer.logits)
            for number, frame in enumerate(shown)
            if (answer := recogniser.watch(frame, 3 + number / CAMERA))
        ]
    )


def phone_videos(folder):
    """Videos like those of phones: rotated, full range, wide."""
    folder.mkdir()
    frames = moving_frames(40, height=96, width=128)
    return [
        write_video(folder / "turned.mp4", frames, rotation=90),
        write_video(folder / "turned_back.mp4", frames, rotation=-90),
        write_video(folder / "full_range.mp4", frames, pixels="yuvj420p"),
    ]


def write_numbers(file, numbers):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(np.ascontiguousarray(numbers, "<f4").tobytes())


def main(folder):
    motions = make_motions(folder / "motions", clips=96)
    videos = sorted(Path(motions).rglob("*.mp4"))[:: 96 // VIDEOS]
    videos += phone_videos(folder / "phone")
    (folder / "videos").mkdir()
    counts = [
        write_planes(video, folder / "videos" / f"{number:03}")
        for number, video in enumerate(videos)
    ]
    for bundle in write_bundles(folder, trained_run(folder / "run", motions)):
        for entry in bundle.entries:
            if not entry.streaming:
                file = folder / "predicted" / bundle.path.name / f"{entry.file}.f32"
                write_numbers(file, predicted(bundle, entry, videos))
        file = folder / "watched" / f"{bundle.path.name}.f32"
        write_numbers(file, watched(bundle, videos, counts))
    for name in ("motions", "phone", "run"):
        shutil.rmtree(folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
