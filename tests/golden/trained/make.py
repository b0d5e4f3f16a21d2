"""Trains the small network that `tests/deploy/test_trained_checkpoint.py` quantises.

    python tests/golden/trained/make.py

It draws clips of the embedded motions, trains `pan_lite_micro` on them for a few minutes, tells the
accuracy on other clips, and writes the weights as float16 to `weights.npz` beside this file.
"""

from pathlib import Path

import keras
import numpy as np

from pan_keras import models
from pan_keras.clips.opencv_resizing import resize
from pan_keras.clips.sampling import spread_starts, stack_frames
from pan_keras.data.motions import MOTIONS
from pan_keras.data.motions_scene import draw_scene

WEIGHTS = Path(__file__).with_name("weights.npz")
SEGMENTS, STACK, SIDE = 4, 2, 32
CLASSES = len(MOTIONS)


def make_model() -> keras.Model:
    """The network, untrained."""
    return models.create(
        "pan_lite_micro", classes=CLASSES, segments=SEGMENTS, stack=STACK, size=SIDE, dropout=0.2
    )


def make_clips(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Clips uint8 `(count, N, m, 32, 32, 3)` of all classes in turn, and the classes."""
    clips, labels = [], np.arange(count) % CLASSES
    for number, label in enumerate(labels):
        scene = draw_scene(list(MOTIONS)[label], np.random.default_rng((seed, number)))
        frames = list(scene.frames)
        starts = spread_starts(len(frames), SEGMENTS, STACK)
        places = stack_frames(starts, len(frames), STACK)[0]
        stack = [resize(np.asarray(frames[place]), (SIDE, SIDE)) for place in places.ravel()]
        clips.append(np.reshape(stack, (SEGMENTS, STACK, SIDE, SIDE, 3)))
    return np.stack(clips), labels


def load_model() -> keras.Model:
    """The network as it was trained."""
    model = make_model()
    with np.load(WEIGHTS) as archive:
        for weight in model.weights:
            if weight.path in archive:
                weight.assign(archive[weight.path].astype("float32"))
    return model


def main() -> None:
    """Trains and writes the weights."""
    keras.utils.set_random_seed(0)
    model = make_model()
    clips, labels = make_clips(480, seed=1)
    epochs, batch = 12, 16
    rate = keras.optimizers.schedules.CosineDecay(3e-3, epochs * len(clips) // batch)
    model.compile(
        keras.optimizers.AdamW(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(clips, labels, batch_size=batch, epochs=epochs, verbose=2)
    model.evaluate(*make_clips(80, seed=2), verbose=2)
    weights = [weight for weight in model.weights if "seed_generator" not in weight.path]
    np.savez_compressed(
        WEIGHTS,
        **{weight.path: np.asarray(weight).astype("float16") for weight in weights},
    )


if __name__ == "__main__":
    main()
