"""Drawing of the embedded data set: one textured object that moves over a textured background."""

from dataclasses import dataclass

import cv2
import numpy as np

WIDTH, HEIGHT = 72, 72
RATES = (10, 12, 15, 20, 25, 30)
LENGTHS = (12, 24)
# Part of its cycle that the moving attribute runs through in a clip.
TRAVEL = (0.35, 0.6)
RADII = (11.0, 40.0)
PATCH = 64
DARKEST, LIGHTEST = 40, 215

# Each class moves one attribute of the object, forth or back.
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
        phases: Where the object is in the cycles of x, y, size and angle, `(T, 4)` in 0 to 1.
    """

    frames: np.ndarray
    rate: int
    phases: np.ndarray


def draw_scene(motion: str, rng: np.random.Generator) -> Scene:
    """Draws a clip of one class.

    Place, size and angle all run in cycles: an object that leaves on one side comes in on the
    other, one that has become large gives way to a small one. The phase of each starts anywhere
    with equal chance, so at every moment of every class it is spread evenly: a single frame,
    be it the first, says nothing of the class.

    Args:
        motion: A class, one of `MOTIONS`.
        rng: Source of all randomness.

    Example:
        >>> draw_scene("left", np.random.default_rng(0)).frames.shape
        (17, 72, 72, 3)
    """
    length = int(rng.integers(LENGTHS[0], LENGTHS[1] + 1))
    rate = int(rng.choice(RATES))
    attribute, direction = MOTIONS[motion]
    phases = np.tile(rng.random(len(ATTRIBUTES)), (length, 1))
    travel = direction * rng.uniform(*TRAVEL)
    phases[:, ATTRIBUTES.index(attribute)] += np.linspace(0, travel, length)
    phases %= 1.0
    colour = rng.uniform(DARKEST, LIGHTEST, 3)
    background, patch = _texture(rng, colour, HEIGHT, WIDTH), _object(rng, _other(rng, colour))
    frames = np.stack([_frame(background, patch, phase) for phase in phases])
    return Scene(frames, rate, phases)


def _other(rng: np.random.Generator, colour: np.ndarray) -> np.ndarray:
    """A colour that stands out against the given one in each channel."""
    span = LIGHTEST - DARKEST
    return DARKEST + (colour - DARKEST + rng.uniform(span / 3, 2 * span / 3, 3)) % span


def _texture(rng: np.random.Generator, colour: np.ndarray, height: int, width: int) -> np.ndarray:
    """Coloured noise of three grains about a colour, float32 `(H, W, 3)` in 0 to 255."""
    texture = np.tile(colour.astype(np.float32), (height, width, 1))
    for grain, strength in ((4, 15), (10, 20), (24, 25)):
        coarse = rng.normal(0, strength, (height // grain + 2, width // grain + 2, 3))
        texture += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(texture, 0, 255).astype(np.float32)


def _object(rng: np.random.Generator, colour: np.ndarray) -> np.ndarray:
    """A textured blob, float32 `(PATCH, PATCH, 4)`: colour times opacity, and opacity."""
    middle = (PATCH - 1) / 2
    y, x = (np.mgrid[:PATCH, :PATCH].astype(np.float32) - middle) / middle
    # An ellipse with a ragged rim: turned by any angle it looks different.
    stretch = rng.uniform(1.7, 2.3)
    bumps = rng.uniform(-0.06, 0.06, 4)
    turns = rng.uniform(0, 2 * np.pi, 4)
    theta = np.arctan2(y * stretch, x)
    rim = 0.75 + sum(
        bump * np.cos(k * theta + turn)
        for k, (bump, turn) in enumerate(zip(bumps, turns, strict=True), 1)
    )
    inside = np.clip((rim - np.hypot(x, y * stretch)) * middle / 2, 0, 1)[..., None]
    return np.concatenate([_texture(rng, colour, PATCH, PATCH) * inside, inside], -1).astype(
        np.float32
    )


def _frame(background: np.ndarray, patch: np.ndarray, phase: np.ndarray) -> np.ndarray:
    x, y = phase[0] * WIDTH, phase[1] * HEIGHT
    radius = RADII[0] * (RADII[1] / RADII[0]) ** phase[2]
    layer = np.zeros((HEIGHT, WIDTH, 4), np.float32)
    # What sticks out on one side shows on the other.
    for left in _copies(x, radius, WIDTH):
        for top in _copies(y, radius, HEIGHT):
            layer += _placed(patch, left, top, radius, phase[3] * 360)
    mixed = background * (1 - layer[..., 3:]) + layer[..., :3]
    return np.clip(np.round(mixed), 0, 255).astype(np.uint8)


def _copies(place: float, radius: float, length: int) -> list[float]:
    return [
        place + shift for shift in (-length, 0, length) if -radius < place + shift < length + radius
    ]


def _placed(
    patch: np.ndarray, left: float, top: float, radius: float, degrees: float
) -> np.ndarray:
    middle = (PATCH - 1) / 2
    # OpenCV turns counter-clockwise on a screen where y runs down; the phase is clockwise.
    turn = cv2.getRotationMatrix2D((middle, middle), -degrees, radius / middle)
    turn[:, 2] += (left - middle, top - middle)
    return cv2.warpAffine(patch, turn, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
