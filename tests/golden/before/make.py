"""Makes the run, the bundle and the logits in this folder, with the code of an earlier version.

    git worktree add /tmp/earlier COMMIT
    PYTHONPATH=/tmp/earlier python tests/golden/before/make.py FOLDER FORMAT...

`schema1` was made by 7cd52da from `tflite`, `schema2` by 1f6c7a8 from `tflite` and `onnx`. The
network is `pan_lite_micro` with a smaller backbone, so that the files are small. Checkpoints and
TensorBoard files are left out.
"""

import json
import platform
import shutil
import sys
from pathlib import Path

import keras
import numpy as np
from pan_keras.training.train import train

from pan_keras.backbones import registry
from pan_keras.backbones.resnet import ResNet
from pan_keras.data import make_motions
from pan_keras.deploy import export
from pan_keras.runtime.stream import Stream

SETTINGS = (
    "model.name=pan_lite_micro",
    "model.segments=4",
    "model.stack=2",
    "model.size=[24, 32]",
    "model.resize=28",
    "model.causal=true",
    "training.epochs=60",
    "training.batch=8",
    "training.learning_rate=0.01",
)


def tiny(**kwargs):
    return ResNet(
        blocks=(1, 1),
        widths=(8, 16),
        stem_width=8,
        stem_kernel=3,
        **{"name": "micro", **kwargs},
    )


def main(folder: Path, *formats: str) -> None:
    registry.BACKBONES["micro"] = (tiny, ())
    platform.platform = lambda: "Linux-x86_64"
    make_motions(Path("motions"), clips=400, seed=3)
    run = folder / "run"
    train("motions", root=Path("motions"), overrides=SETTINGS, run=run, quiet=True)
    exported = {"formats": list(formats), "precisions": ["float32", "int8"], "streaming": True}
    bundle = export(run, overrides={"export": exported}, output=folder / "bundle", tell=print)
    clip = np.random.default_rng(0).integers(0, 256, bundle.shape.array, "uint8")
    network = keras.saving.load_model(run / "model.keras")
    logits = {"model.keras": network.predict(clip[None], verbose=0)[0].tolist()}
    for entry in bundle.entries:
        engine = bundle.load(entry, 1)
        if entry.streaming:
            stream = Stream(engine, entry.states)
            logits[entry.file] = [stream(segment).tolist() for segment in clip]
        else:
            frames = clip.reshape(-1, *clip.shape[2:])
            logits[entry.file] = engine({"frames": frames})["logits"][0].tolist()
    (folder / "logits.json").write_text(json.dumps(logits, indent=1) + "\n")
    for name in ("checkpoints", "tensorboard", "best.keras", "last.keras", ".lock"):
        if (run / name).is_dir():
            shutil.rmtree(run / name)
        else:
            (run / name).unlink(missing_ok=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
