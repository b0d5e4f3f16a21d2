"""Models with non-trivial weights, clips, and exported models run on them."""

import numpy as np

from pan_keras import models
from pan_keras.runtime.loading import load_engine
from pan_keras.runtime.stream import run_clip

SHAPE = {"segments": 4, "stack": 3, "size": (32, 40)}


def make(name, **options):
    """A model with non-trivial normalisations, biases and classifiers."""
    model = models.create(name, classes=5, **{**SHAPE, **options})
    generator = np.random.default_rng(0)
    ranges = {
        "gamma": (0.5, 1.5),
        "beta": (-0.2, 0.2),
        "moving_mean": (-0.2, 0.2),
        "moving_variance": (0.5, 2.0),
    }
    for weight in model.weights:
        owner, name = weight.path.split("/")[-2:]
        if name in ranges:
            weight.assign(generator.uniform(*ranges[name], weight.shape))
        elif owner == "logits":
            weight.assign(generator.normal(0, 0.3, weight.shape))
    return model


def clips(model, count=4, seed=0):
    """Smooth moving clips with some repeated frames, as in short videos."""
    generator = np.random.default_rng(seed)
    height, width = model.size
    coarse = generator.uniform(0, 255, (count, height // 4 + 8, width // 4 + 8, 3))
    scene = coarse.repeat(4, axis=1).repeat(4, axis=2)
    frames = []
    for number in range(model.segments * model.stack):
        shift = int(generator.integers(0, 3)) * number
        row, column = shift % 16, (2 * shift) % 16
        frames.append(scene[:, row : row + height, column : column + width])
    stacked = np.stack(frames, axis=1).round().astype("uint8")
    return stacked.reshape(count, model.segments, model.stack, height, width, 3)


def run(artefact, clip):
    """Outputs of each call for one clip: one call, or one for each segment."""
    return list(run_clip(load_engine(artefact.format, artefact.content, threads=1), clip))


def last_logits(artefact, some):
    """Logits (clips, classes) after the last call of each clip."""
    return np.concatenate([run(artefact, clip)[-1]["logits"] for clip in some])
