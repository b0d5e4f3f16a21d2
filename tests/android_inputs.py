"""Bundles and decoded videos for the tests of the Android app, with expected outputs.

    PYTHONPATH=. python tests/android_inputs.py FOLDER

writes

* `bundles/clip`: clip models in all precisions, not calibrated; `bundles/live`: clip and streaming
  models with motion maps, with a temperature and a threshold;
* `videos/NUMBER.i420`: the planes of a video, frame after frame; `.video`, its file, and
  `.properties` about it;
* `predicted/BUNDLE/MODEL.f32`: the logits of each video, as `pan-keras predict` has them;
* `answered/BUNDLE/MODEL.f32`: its answer to each video: 1 where it is unknown, probabilities;
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
from pan_keras.inference import calibrate, predict
from pan_keras.inference.opening import open_classifier
from pan_keras.inference.views import ViewClassifier
from pan_keras.runs.run import CONFIDENCE
from pan_keras.runtime import Recogniser
from pan_keras.video import read_frames
from pan_keras.video.orientation import Orientation

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


def write_bundle(folder, run, **kind):
    """A bundle in both formats."""
    wanted = {"formats": ["tflite", "onnx"], "evaluate": "none"} | kind
    return export(run.path, output=folder, overrides=LENIENT | {"export": wanted})


def set_confidence(run, videos):
    """Calibrates the run, with a threshold that some of the videos exceed and others do not."""
    record = calibrate(run.path, false_alarms=0.5).record
    found = np.sort([each.predictions[0][1] for each in predict(run.path, videos, top=1)])
    # In the widest gap of the middle half, so that no answer depends on rounding.
    middle = found[len(found) // 4 : -len(found) // 4]
    place = np.argmax(np.diff(middle))
    threshold = float(middle[place] + middle[place + 1]) / 2
    assert record["temperature"] != 1, "the temperature would prove nothing"
    assert middle[place + 1] - middle[place] > 1e-3, "answers that depend on rounding"
    run.write(CONFIDENCE, record | {"threshold": threshold})


def write_planes(video, target):
    """A copy of a video, and all of its frames as planes, as any decoder gives them."""
    shutil.copy(video, target.with_suffix(".video"))
    frames = 0
    with av.open(str(video)) as container, target.with_suffix(".i420").open("wb") as file:
        for frame in container.decode(video=0):
            assert frame.format.name in ("yuv420p", "yuvj420p"), frame.format
            for plane in frame.planes:
                rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
                file.write(rows[:, : plane.width].tobytes())
            frames += 1
    orientation = Orientation.of(frame)
    facts = {
        "frames": frames,
        "width": frame.width,
        "height": frame.height,
        "matrix": "BT709" if frame.colorspace == BT709 else "BT601",
        "full": str(frame.color_range == FULL).lower(),
        "rotation": -orientation.rotation % 360,
        "mirrored": str(orientation.mirrored).lower(),
    }
    text = "".join(f"{name}={value}\n" for name, value in facts.items())
    target.with_suffix(".properties").write_text(text, encoding="utf-8")
    return frames


def predicted(bundle, entry, videos):
    """Logits `(videos, classes)` of `pan-keras predict`."""
    classifier = open_classifier(bundle.path, precision=entry.precision, file_format=entry.format)
    found = ViewClassifier(classifier, "1", 1, "logits")(videos)
    return np.stack([each.scores for each in found])


def answered(bundle, entry, videos):
    """Answers of `pan-keras predict`: rows of 1 for unknown, else 0, and the probabilities."""
    found = predict(
        bundle.path,
        videos,
        top=len(bundle.labels),
        precision=entry.precision,
        file_format=entry.format,
    )
    return np.array(
        [
            [each.unknown, *(dict(each.predictions)[label] for label in bundle.labels)]
            for each in found
        ]
    )


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
    """Videos like those of phones: rotated, mirrored, full range, of odd sizes."""
    folder.mkdir()
    frames = moving_frames(40, height=96, width=128)
    odd = moving_frames(40, height=97, width=129)
    return [
        write_video(folder / "turned.mp4", frames, rotation=90),
        write_video(folder / "turned_back.mp4", frames, rotation=-90),
        write_video(folder / "mirrored.mp4", frames, matrix=(-1, 0, 0, 1)),
        write_video(folder / "mirrored_turned.mov", frames, matrix=(0, 1, 1, 0)),
        write_video(folder / "full_range.mp4", frames, pixels="yuvj420p"),
        write_video(folder / "odd_rows.mp4", odd[:, :, :-1], "libvpx-vp9", rotation=180),
        write_video(folder / "odd.webm", odd, "libvpx-vp9"),
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
    run = trained_run(folder / "run", motions)
    # Training calibrates; apps must accept bundles that are not calibrated, too.
    (run.path / CONFIDENCE).unlink()
    bundles = [write_bundle(folder / "bundles" / "clip", run, precisions=ALL, dynamic_batch=True)]
    set_confidence(run, videos)
    bundles += [write_bundle(folder / "bundles" / "live", run, streaming=True, with_motion=True)]
    for bundle in bundles:
        for entry in bundle.entries:
            if not entry.streaming:
                name = f"{bundle.path.name}/{entry.file}.f32"
                write_numbers(folder / "predicted" / name, predicted(bundle, entry, videos))
                write_numbers(folder / "answered" / name, answered(bundle, entry, videos))
        file = folder / "watched" / f"{bundle.path.name}.f32"
        write_numbers(file, watched(bundle, videos, counts))
    for name in ("motions", "phone", "run"):
        shutil.rmtree(folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
