"""The backbones by name."""

import difflib
from collections.abc import Callable, Iterable, Sequence

import keras

# The maker of each, and the options of its own.
BACKBONES: dict[str, tuple[Callable[..., keras.Model], tuple[str, ...]]] = {}


def register(name: str, options: Sequence[str] = ()) -> Callable:
    """Decorator: makes a function the maker of the backbone of that name.

    The function takes `channels`, `segments` and `causal` as `create` does, and keyword arguments
    for the model's constructor (`name`, `dtype` and its own options).

    Args:
        name: Registry name, lower case, without underscore.
        options: Names of the options that this backbone has and others have not.

    Example:
        >>> @register("tiny")
        ... def tiny(channels, segments, causal, **kwargs):
        ...     return ResNet(blocks=(1,), widths=(16,), channels=channels, **kwargs)
    """

    def remember(make):
        BACKBONES[name] = make, tuple(options)
        return make

    return remember


def names() -> list[str]:
    """Names of all backbones, sorted."""
    return sorted(BACKBONES)


def options(name: str) -> tuple[str, ...]:
    """Names of the options that a backbone has and others have not.

    Args:
        name: One of `names()`.

    Example:
        >>> options("mobilenetv2")
        ('width',)
    """
    _, own = BACKBONES[name]
    return own


def create(
    name: str, channels: int = 3, segments: int | None = None, causal: bool = False, **kwargs
) -> keras.Model:
    """Makes a backbone with fresh weights.

    Args:
        name: One of `names()`.
        channels: Channels of the input maps.
        segments: Segments per clip, N, to give it the temporal shift; None for a backbone that
            sees each row by itself.
        causal: Shift from past segments only.
        kwargs: `name` and `dtype` of the model, and the backbone's own `options(name)`.

    Returns:
        A model from maps `(B * N, H, W, channels)` to features `(B * N, d)`.

    Raises:
        ValueError: If there is no such backbone, or it has no such option.

    Example:
        >>> create("resnet18", channels=6, segments=8)(keras.random.normal((8, 112, 112, 6))).shape
        (8, 512)
    """
    if name not in BACKBONES:
        raise unknown("backbone", name, names())
    make, own = BACKBONES[name]
    valid = ("name", "dtype", *own)
    for option in kwargs:
        if option not in valid:
            raise unknown(f"option of {name}", option, valid)
    return make(channels=channels, segments=segments, causal=causal, **kwargs)


def unknown(kind: str, name: str, valid: Iterable[str]) -> ValueError:
    """The error for a name that does not exist, with the nearest that does.

    Args:
        kind: What is named, for the sentence.
        name: The wrong name.
        valid: All right ones.
    """
    valid = list(valid)
    near = difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
    advice = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(valid)}"
    return ValueError(f"unknown {kind} {name!r}; {advice}")
