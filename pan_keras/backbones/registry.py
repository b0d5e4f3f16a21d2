"""The registry of backbones."""

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import keras

from pan_keras.backbones.backbone import Backbone, Shapes
from pan_keras.backbones.pretrained import KerasApplication

Maker = TypeVar("Maker", bound=Callable[..., keras.Model])


@dataclass(frozen=True)
class Registered:
    """A registered backbone.

    Args:
        make: Its class, or a function that makes a model of it.
        kind: The class that declares layout, normalisation and the names of weights.
        arguments: Fixed arguments of `make`.
        options: Names of the optional arguments.
        pretrained: ImageNet weights; None if Keras distributes none.

    Example:
        >>> entry = get("mobilenetv2")
        >>> entry.kind.__name__, entry.options
        ('MobileNetV2', ('width',))
    """

    make: Callable[..., keras.Model]
    kind: type[Backbone]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    pretrained: KerasApplication | None = None


BACKBONES: dict[str, Registered] = {}


def register(
    name: str,
    options: Sequence[str] = (),
    *,
    arguments: Mapping[str, Any] | None = None,
    pretrained: KerasApplication | None = None,
    kind: type[Backbone] = Backbone,
) -> Callable[[Maker], Maker]:
    """Decorator that registers a class or function as a backbone.

    The class or function takes `channels`, `segments` and `causal` as `create` does (a backbone of
    layout `"clip"` has no `causal`), and keyword arguments for the model's constructor (`name`,
    `dtype` and its own options). `Backbone` documents the declarations of the class (`layout`,
    `normalisation`, PyTorch names).

    Args:
        name: Registry name, lower case, without underscore.
        options: Names of the options specific to this backbone.
        arguments: Fixed arguments, with which several names can share a class.
        pretrained: ImageNet weights that Keras distributes for it.
        kind: The class of the models that a function makes; ignored for a class.

    Returns:
        The decorator, which returns the class or function unchanged.

    Example:
        >>> from pan_keras.backbones import ResNet
        >>> small = register("small", arguments={"blocks": (1, 1), "widths": (16, 32)})(ResNet)
        >>> create("small", channels=6).output_shape
        (None, 32)
    """

    def remember(make: Maker) -> Maker:
        own = make if isinstance(make, type) else kind
        BACKBONES[name] = Registered(make, own, arguments or {}, tuple(options), pretrained)
        return make

    return remember


def names() -> list[str]:
    """Lists the names of all backbones.

    Returns:
        The names, sorted.

    Example:
        >>> "resnet50" in names()
        True
    """
    return sorted(BACKBONES)


def get(name: str) -> Registered:
    """Returns the backbone registered under a name.

    Args:
        name: One of `names()`.

    Returns:
        Its class, options and pretrained weights.

    Raises:
        ValueError: If there is no such backbone; the message suggests the nearest name.

    Example:
        >>> get("resnet50").kind.layout, get("resnet50").pretrained.file
        ('frames', 'resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5')
    """
    if name not in BACKBONES:
        raise unknown("backbone", name, names())
    return BACKBONES[name]


def options(name: str) -> tuple[str, ...]:
    """Lists the options specific to a backbone.

    Args:
        name: One of `names()`.

    Returns:
        The names; empty for most backbones.

    Example:
        >>> options("mobilenetv2")
        ('width',)
    """
    return get(name).options


def create(
    name: str,
    channels: int = 3,
    segments: int | None = None,
    causal: bool = False,
    **kwargs: Any,
) -> keras.Model:
    """Creates a backbone with randomly initialised weights.

    Args:
        name: One of `names()`.
        channels: Channels of the input maps.
        segments: Segments per clip, N, for the temporal shift of a backbone of layout `"frames"`;
            None for no shift.
        causal: Shift from past segments only.
        kwargs: `name` and `dtype` of the model, and the backbone's own `options(name)`.

    Returns:
        A model from maps `(B * N, H, W, channels)` to features `(B * N, d)`; from clips
        `(B, N, H, W, channels)` to `(B, d)` if its layout is `"clip"`.

    Raises:
        ValueError: If there is no such backbone, or it has no such option.

    Example:
        >>> create("resnet18", channels=6, segments=8)(keras.random.normal((8, 112, 112, 6))).shape
        (8, 512)
    """
    registered = get(name)
    valid = ("name", "dtype", *registered.options)
    for option in kwargs:
        if option not in valid:
            raise unknown(f"option of {name}", option, valid)
    settings = {"channels": channels, "segments": segments, **registered.arguments}
    if isinstance(registered.make, type):  # a function names its models itself
        settings["name"] = name
    if registered.kind.layout == "frames":
        settings["causal"] = causal
    elif causal:
        raise ValueError(f"{name} takes whole clips and has no temporal shift; remove causal")
    return registered.make(**{**settings, **kwargs})


def recognise(shapes: Shapes) -> tuple[str | None, type[Backbone], dict[str, Any]] | None:
    """Tells which backbone a state_dict belongs to.

    Args:
        shapes: Shapes by key, under torchvision's names.

    Returns:
        Registered name (None if no name has these arguments), class, and arguments of the class
        except `channels`, `segments` and `causal`; None if no class recognises the keys.

    Raises:
        ValueError: If a class recognises the keys but a tensor is missing or has the wrong shape.

    Example:
        >>> stem, last = (32, 3, 3, 3), (160, 480, 1, 1)
        >>> recognise({"features.0.0.weight": stem, "features.17.conv.2.weight": last})
        ('mobilenetv2', <class 'pan_keras.backbones.mobilenet_v2.MobileNetV2'>, {'width': 0.5})
    """
    # Latest first: a user's network may share keys with a built-in one.
    kinds = dict.fromkeys(registered.kind for registered in reversed(BACKBONES.values()))
    for kind in kinds:
        arguments = kind.recognise(shapes)
        if arguments is not None:
            return _name(kind, arguments), kind, arguments
    return None


def _name(kind: type[Backbone], arguments: Mapping[str, Any]) -> str | None:
    defaults = {
        name: parameter.default for name, parameter in inspect.signature(kind).parameters.items()
    }
    for name, registered in BACKBONES.items():
        fixed = {key: value for key, value in arguments.items() if key not in registered.options}
        own = {key: registered.arguments.get(key, defaults.get(key)) for key in fixed}
        if registered.make is kind and own == fixed:
            return name
    return None


def unknown(kind: str, name: str, valid: Iterable[str]) -> ValueError:
    """Returns the error for an unknown name, which suggests the nearest valid one.

    Args:
        kind: The kind of name, for the message.
        name: The unknown name.
        valid: All valid names.
    """
    valid = list(valid)
    near = difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
    advice = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(valid)}"
    return ValueError(f"unknown {kind} {name!r}; {advice}")
