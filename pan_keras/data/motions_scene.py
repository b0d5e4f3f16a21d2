"""Draws the embedded data set: textured objects moving over a textured background."""

from dataclasses import dataclass

import cv2
import numpy as np

SIDE = 72
RATES = (10, 12, 15, 20, 25, 30)
LENGTHS = (12, 24)
OBJECTS = 3
# Range of cycles that the moving attribute passes through in a clip.
TRAVEL = {"x": (0.35, 0.6), "y": (0.35, 0.6), "size": (0.8, 1.4), "angle": (0.35, 0.6)}
# Half the side of an object's patch in pixels, at the far and near end of its cycle.
RADII = (12.0, 34.0)
PATCH = 64
# An object fades in and out within 1 / FADE of its size cycle.
FADE = 5
# Range of each colour channel.
BACKGROUND = (30, 120)
OBJECT = (150, 240)
BLADES = (2, 3)

# Each class changes one attribute of the objects in one direction.
ATTRIBUTES = ("x", "y", "size", "angle")
MOTIONS = {
    "left": ("x", -1),
    "right": ("x", 1),
    "up": ("y", -1),
    "down": ("y", 1),
    "approach": ("size", 1),
    "recede": ("size", -1),
    "clockwise": ("angle", 1),
    "counter-clockwise": ("angle", -1),
}


@dataclass(frozen=True)
class Scene:
    """A clip of the embedded data set before encoding.

    Args:
        frames: uint8 `(T, H, W, 3)`.
        rate: Frames per second.
        phases: Phase of each object in the cycles of x, y, size and angle, `(T, objects, 4)` in
            0 to 1.
    """

    frames: np.ndarray
    rate: int
    phases: np.ndarray


def draw_scene(motion: str, rng: np.random.Generator) -> Scene:
    """Draws a clip of one class.

    Position, size and angle are cyclic: an object that leaves on one side enters on the other, and
    one that has grown large fades and returns small. Initial phases are uniformly distributed, so
    phases are uniform at every time in every class, and a single frame, even the first, carries no
    information about the class.

    Args:
        motion: A class, one of `MOTIONS`.
        rng: Source of all randomness.

    Example:
        >>> draw_scene("left", np.random.default_rng(0)).frames.shape
        (23, 72, 72, 3)
    """
    length = int(rng.integers(LENGTHS[0], LENGTHS[1] + 1))
    rate = int(rng.choice(RATES))
    phases = _phases(motion, length, rng)
    background = _texture(rng, np.tile(rng.uniform(*BACKGROUND, 3), (SIDE, SIDE, 1)))
    patches = [_object(rng) for _ in range(OBJECTS)]
    frames = np.stack([_frame(background, patches, moment) for moment in phases])
    return Scene(frames, rate, phases)


def _phases(motion: str, length: int, rng: np.random.Generator) -> np.ndarray:
    attribute, direction = MOTIONS[motion]
    phases = np.tile(rng.random((OBJECTS, len(ATTRIBUTES))), (length, 1, 1))
    travel = np.linspace(0, direction * rng.uniform(*TRAVEL[attribute]), length)
    phases[..., ATTRIBUTES.index(attribute)] += travel[:, None]
    return phases % 1.0


def _texture(rng: np.random.Generator, colours: np.ndarray) -> np.ndarray:
    """Adds noise at three scales to colours, float32 `(H, W, 3)` in 0 to 255."""
    height, width, _ = colours.shape
    texture = colours.astype(np.float32)
    for grain, strength in ((4, 15), (10, 20), (24, 25)):
        coarse = rng.normal(0, strength, (height // grain + 2, width // grain + 2, 3))
        texture += cv2.resize(coarse.astype(np.float32), (width, height))
    return np.clip(texture, 0, 255)


def _object(rng: np.random.Generator) -> np.ndarray:
    """Draws a textured propeller, float32 `(PATCH, PATCH, 4)`: premultiplied colour and opacity.

    It is lighter than the background, and its blades are lightest at their clockwise edge, so that
    growth and rotation in either direction are locally distinguishable, like a moving edge.
    """
    middle = (PATCH - 1) / 2
    y, x = (np.mgrid[:PATCH, :PATCH].astype(np.float32) - middle) / middle
    stretch = rng.uniform(1.0, 1.6)
    bumps = rng.uniform(-0.06, 0.06, 4)
    turns = rng.uniform(0, 2 * np.pi, 4)
    theta = np.arctan2(y * stretch, x)
    rim = 0.75 + sum(
        bump * np.cos(k * theta + turn)
        for k, (bump, turn) in enumerate(zip(bumps, turns, strict=True), 1)
    )
    inside = np.clip((rim - np.hypot(x, y * stretch)) * middle / 2, 0, 1)[..., None]
    blades = int(rng.integers(BLADES[0], BLADES[1] + 1))
    shade = 0.35 + 0.65 * (np.arctan2(y, x) / (2 * np.pi) * blades % 1.0)[..., None]
    colours = rng.uniform(*OBJECT, 3) * shade
    return np.concatenate([_texture(rng, colours) * inside, inside], -1).astype(np.float32)


def _frame(background: np.ndarray, patches: list[np.ndarray], moment: np.ndarray) -> np.ndarray:
    picture = background
    for patch, phase in zip(patches, moment, strict=True):
        # Objects fade out before the size cycle wraps around, so the size never visibly jumps.
        layer = _placed(patch, *phase) * min(1, FADE * min(phase[2], 1 - phase[2]))
        picture = picture * (1 - layer[..., 3:]) + layer[..., :3]
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def _placed(patch: np.ndarray, x: float, y: float, size: float, angle: float) -> np.ndarray:
    """Draws an object on an empty image that wraps around at its borders."""
    middle = (PATCH - 1) / 2
    radius = RADII[0] * (RADII[1] / RADII[0]) ** size
    # OpenCV's positive angles are counter-clockwise where y points down; the phase is clockwise.
    turn = cv2.getRotationMatrix2D((middle, middle), -360 * angle, radius / middle)
    (left, x_rest), (top, y_rest) = divmod(x * SIDE, 1), divmod(y * SIDE, 1)
    turn[:, 2] += SIDE // 2 - middle + np.array([x_rest, y_rest])
    centred = cv2.warpAffine(patch, turn, (SIDE, SIDE))
    return np.roll(centred, (int(top), int(left)), axis=(0, 1))
