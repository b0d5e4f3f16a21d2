"""Drawing of the embedded data set: textured objects that move over a textured background."""

from dataclasses import dataclass

import cv2
import numpy as np

SIDE = 72
RATES = (10, 12, 15, 20, 25, 30)
LENGTHS = (12, 24)
OBJECTS = 3
# Cycles that the moving attribute runs through in a clip.
TRAVEL = {"x": (0.35, 0.6), "y": (0.35, 0.6), "size": (0.8, 1.4), "angle": (0.35, 0.6)}
# Half the side of an object's patch, in pixels, when it is far and when it is near.
RADII = (12.0, 34.0)
PATCH = 64
# An object comes into view, and out of it, within 1 / FADE of its cycle of sizes.
FADE = 5
# Range of each colour channel.
BACKGROUND = (30, 120)
OBJECT = (150, 240)
BLADES = (2, 3)

# Each class moves one attribute of the objects, forth or back.
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
    """A clip of the embedded data set, before it is encoded.

    Args:
        frames: uint8 `(T, H, W, 3)`.
        rate: Frames per second.
        phases: Where each object is in the cycles of x, y, size and angle,
            `(T, objects, 4)` in 0 to 1.
    """

    frames: np.ndarray
    rate: int
    phases: np.ndarray


def draw_scene(motion: str, rng: np.random.Generator) -> Scene:
    """Draws a clip of one class.

    Place, size and angle all run in cycles: an object that leaves on one side comes in on the
    other, one that has become large fades and comes back small. The phase of each starts anywhere
    with equal chance, so at every moment of every class it is spread evenly: a single frame,
    be it the first, says nothing of the class.

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
    """Adds noise of three grains to colours, float32 `(H, W, 3)` in 0 to 255."""
    height, width, _ = colours.shape
    texture = colours.astype(np.float32)
    for grain, strength in ((4, 15), (10, 20), (24, 25)):
        coarse = rng.normal(0, strength, (height // grain + 2, width // grain + 2, 3))
        texture += cv2.resize(coarse.astype(np.float32), (width, height))
    return np.clip(texture, 0, 255)


def _object(rng: np.random.Generator) -> np.ndarray:
    """A textured propeller, float32 `(PATCH, PATCH, 4)`: colour times opacity, and opacity.

    Lighter than the background, and with blades that are lightest at their clockwise edge, so
    that growing and turning, either way, change the picture in ways that can be told apart
    close by, as a moving edge can.
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
        # An object that becomes as large as it can fades away while it does, and comes back small:
        # growing is never undone by a leap.
        layer = _placed(patch, *phase) * min(1, FADE * min(phase[2], 1 - phase[2]))
        picture = picture * (1 - layer[..., 3:]) + layer[..., :3]
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def _placed(patch: np.ndarray, x: float, y: float, size: float, angle: float) -> np.ndarray:
    """An object on an empty picture; what sticks out on one side shows on the other."""
    middle = (PATCH - 1) / 2
    radius = RADII[0] * (RADII[1] / RADII[0]) ** size
    # OpenCV turns counter-clockwise on a screen where y runs down; the phase is clockwise.
    turn = cv2.getRotationMatrix2D((middle, middle), -360 * angle, radius / middle)
    (left, x_rest), (top, y_rest) = divmod(x * SIDE, 1), divmod(y * SIDE, 1)
    turn[:, 2] += SIDE // 2 - middle + np.array([x_rest, y_rest])
    centred = cv2.warpAffine(patch, turn, (SIDE, SIDE))
    return np.roll(centred, (int(top), int(left)), axis=(0, 1))
