"""The form in which a model wants its frames."""

from dataclasses import dataclass

from pan_keras.errors import UserError


@dataclass(frozen=True)
class ClipShape:
    """N stacks of m frames of (H, W) pixels, cut out of frames of a given shorter side.

    Args:
        segments: Stacks per clip, N.
        stack: Adjacent frames per stack, m.
        size: Height and width (H, W) in pixels that the model sees.
        resize: Shorter side in pixels to which a frame is resized before `size` is cut out.

    Raises:
        UserError: If a number is below 1 or `size` is cut from less than itself.

    Example:
        >>> ClipShape(segments=8, stack=4, size=(224, 224), resize=256)
    """

    segments: int
    stack: int
    size: tuple[int, int]
    resize: int

    def __post_init__(self):
        object.__setattr__(self, "size", tuple(self.size))
        if min(self.segments, self.stack, *self.size) < 1 or len(self.size) != 2:
            raise UserError(f"{self}: segments, stack and size (H, W) must be at least 1")
        if self.resize < min(self.size):
            raise UserError(
                f"resize: {self.resize} is less than the shorter side of size {self.size}; "
                f"set it to {min(self.size)} or more"
            )

    @property
    def array(self) -> tuple[int, ...]:
        """Shape of one clip, `(N, m, H, W, 3)`."""
        return (self.segments, self.stack, *self.size, 3)
