"""The cases of `gpu.py` on PyTorch: Keras' layers, and plain formulations of the same."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from pan_keras import flow, models
from pan_keras.checkpoints.state_dict import state_dict_of
from pan_keras.layers import PersistenceOfAppearance

Made = Callable[[], Callable[[], Any]]
Variant = tuple[str, str, str, Made]  # form, compiled, precision, make
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def precisions(on_gpu: bool, exact: bool = False) -> tuple[str, ...]:
    """The precisions worth measuring on a device."""
    if not on_gpu:
        return ("float32", "bfloat16")
    return ("float32", "tf32", "bfloat16") if exact else ("tf32", "bfloat16")


def as_array(result: torch.Tensor) -> np.ndarray:
    """A result in float32, from the device."""
    return result.detach().float().cpu().numpy()


def timed(function: Callable[[], Any], precision: str, learns: bool = False) -> Callable[[], Any]:
    """A function that computes under a precision and waits."""

    def run() -> Any:
        exact = precision == "float32"
        torch.backends.cudnn.allow_tf32 = not exact
        torch.backends.cuda.matmul.allow_tf32 = not exact
        with torch.set_grad_enabled(learns):
            result = function()
        if DEVICE == "cuda":
            torch.cuda.synchronize()
        return result

    return run


def policy_of(precision: str) -> str:
    """The policy of Keras' layers."""
    return "mixed_bfloat16" if precision == "bfloat16" else "float32"


def half(precision: str) -> Any:
    """PyTorch's own mixed precision."""
    return torch.autocast(DEVICE, torch.bfloat16, enabled=precision == "bfloat16")


def pa(frames: np.ndarray, kernel: np.ndarray, bias: np.ndarray, on_gpu: bool) -> Iterator[Variant]:
    """PA by the layer, and plainly: all frames convolved, then the norm of differences."""

    def by_layer(precision: str, compiles: bool) -> Callable[[], Any]:
        layer = PersistenceOfAppearance(dtype=policy_of(precision))
        layer.build(frames.shape)
        layer.set_weights([kernel, bias])
        x = torch.from_numpy(frames).to(DEVICE)
        call = torch.compile(layer) if compiles else layer
        return timed(lambda: call(x), precision)

    def plainly(precision: str, compiles: bool) -> Callable[[], Any]:
        x = torch.from_numpy(frames).to(DEVICE).movedim(-1, 2).contiguous()
        weight = torch.from_numpy(kernel).to(DEVICE).permute(3, 2, 0, 1).contiguous()
        shift = torch.from_numpy(bias).to(DEVICE)

        def function(x: torch.Tensor) -> torch.Tensor:
            with half(precision):
                distance = plain_pa(x, weight, shift)
            return distance.movedim(1, -1)

        call = torch.compile(function) if compiles else function
        return timed(lambda: call(x), precision)

    for precision in precisions(on_gpu, exact=True):
        for compiles in (False, True):
            word = "torch" if compiles else "no"
            for form, make in (("keras", by_layer), ("plain", plainly)):
                yield (
                    form,
                    word,
                    precision,
                    lambda make=make, p=precision, c=compiles: make(p, c),
                )


def plain_pa(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """PA `(B, m - 1, H, W)` of frames `(B, m, 3, H, W)`."""
    batch, stack, _, height, width = x.shape
    maps = functional.conv2d(x.flatten(0, 1), weight, bias, padding=3)
    maps = maps.reshape(batch, stack, -1, height, width)
    return torch.linalg.vector_norm(maps[:, :-1] - maps[:, 1:] + 1e-6, dim=2)


def pan_lite(method: str, clips: np.ndarray, classes: int, on_gpu: bool) -> Iterator[Variant]:
    """PAN_Lite on ResNet-50: its logits, or a step of training with momentum."""
    segments, stack = clips.shape[1:3]
    x = torch.from_numpy(clips).to(DEVICE)
    labels = torch.arange(len(clips), device=DEVICE) % classes

    def make(form: str, precision: str, compiles: bool) -> Callable[[], Any]:
        learns = method == "pan_lite_step"
        is_plain = form == "plain"
        model = keras_pan_lite(clips, classes, policy_of("" if is_plain else precision))
        if is_plain:
            model = PlainPANLite.of(model, classes, segments, stack).to(DEVICE)
        options = {} if is_plain else {"training": learns}
        if is_plain:
            model.train(learns)
        network = torch.compile(model) if compiles else model
        if not learns:

            def infer() -> torch.Tensor:
                with half(precision if is_plain else ""):
                    return network(x, **options)

            return timed(infer, precision)
        weights = (
            list(model.parameters())
            if is_plain
            else [variable.value for variable in model.trainable_variables]
        )
        optimizer = torch.optim.SGD(weights, 0.01, momentum=0.9)

        def step() -> torch.Tensor:
            optimizer.zero_grad()
            with half(precision if is_plain else ""):
                logits = network(x, **options)
            loss = functional.cross_entropy(logits.float(), labels)
            loss.backward()
            optimizer.step()
            return loss

        return timed(step, precision, learns=True)

    for precision in precisions(on_gpu):
        for form, compiles in (("plain", False), ("keras", False), ("plain", True)):
            yield (
                form,
                "torch" if compiles else "no",
                precision,
                lambda f=form, p=precision, c=compiles: make(f, p, c),
            )


def keras_pan_lite(clips: np.ndarray, classes: int, policy: str = "float32") -> keras.Model:
    """The registered model for such clips, always with the same weights."""
    keras.utils.set_random_seed(0)
    _, segments, stack, size = clips.shape[:4]
    return models.create(
        "pan_lite_resnet50",
        classes=classes,
        segments=segments,
        stack=stack,
        size=size,
        dtype=policy,
    )


def logits_error(clips: np.ndarray, classes: int) -> Callable[[Any], float]:
    """A function of logits: the largest difference from Keras in float32, over the largest logit.

    The reference is computed at the first call.
    """
    reference: list[np.ndarray] = []

    def error(found: Any) -> float:
        if not reference:
            model, x = keras_pan_lite(clips, classes), torch.from_numpy(clips).to(DEVICE)
            reference.append(as_array(timed(lambda: model(x, training=False), "float32")()))
        return float(np.abs(as_array(found) - reference[0]).max() / np.abs(reference[0]).max())

    return error


class PlainPANLite(nn.Module):
    """PAN_Lite on ResNet-50 with temporal shift and VAP, in PyTorch's own layers.

    Takes bytes `(B, N, m, H, W, 3)` as the Keras model does, and gives logits.
    """

    def __init__(self, classes: int, segments: int, stack: int):
        super().__init__()
        self.segments, self.stack = segments, stack
        self.pa = nn.Conv2d(3, 8, 7, padding=3)
        channels = stack + 2
        self.stem = nn.Sequential(
            nn.Conv2d(channels, 64, 7, 2, 3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(True),
            nn.MaxPool2d(3, 2, 1),
        )
        blocks, width = [], 64
        for stage, count in enumerate((3, 4, 6, 3)):
            for index in range(count):
                stride = 2 if index == 0 and stage else 1
                blocks.append(_Bottleneck(width, 64 << stage, stride, segments))
                width = 256 << stage
        self.blocks = nn.Sequential(*blocks)
        self.scales = [2**power for power in range(segments.bit_length() - 1)]
        count = sum(self.scales)
        self.vap = nn.Sequential(
            nn.Linear(count, 4 * count, bias=False),
            nn.ReLU(True),
            nn.Linear(4 * count, count, bias=False),
            nn.Softmax(-1),
        )
        self.classifier = nn.Linear(width, classes)
        for name, values in (
            ("mean", [0.485, 0.456, 0.406]),
            ("deviation", [0.229, 0.224, 0.225]),
        ):
            self.register_buffer(name, torch.tensor(values).view(3, 1, 1), persistent=False)

    @classmethod
    def of(cls, model: keras.Model, classes: int, segments: int, stack: int) -> "PlainPANLite":
        """The network with the weights of the registered model."""
        found, network = state_dict_of(model), cls(classes, segments, stack)
        weights = [torch.from_numpy(found[key]) for key in sorted(found, key=_place)]
        network.load_state_dict(dict(zip(network.state_dict(), weights, strict=True)))
        return network

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Logits of clips."""
        x = clips.flatten(0, 1).movedim(-1, 2).float() / 255
        x = (x - self.mean) / self.deviation
        motion = plain_pa(x, self.pa.weight, self.pa.bias)
        x = self.blocks(self.stem(torch.cat([x[:, 0], motion], 1)))
        x = x.mean((2, 3)).unflatten(0, (-1, self.segments))
        pooled = [x.unflatten(1, (self.segments // k, k)).amax(1) for k in self.scales]
        timescales = torch.cat(pooled, 1)
        weights = self.vap(timescales.mean(-1))
        return self.classifier((weights[..., None] * timescales).sum(1))


KEY = re.compile(r"base_model\.(?:layer(\d)\.(\d)\.)?(conv|bn|downsample\.)(\d)(?:\.net)?\.\w+")
PARTS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def _place(key: str) -> tuple[int, str, int, int, int, int]:
    """Sorts the names of the authors' code as `PlainPANLite` has its modules."""
    module, _, part = key.rpartition(".")
    found = KEY.fullmatch(key)
    if found is None:
        return (0 if key.startswith("PA.") else 2, module, 0, 0, 0, PARTS.index(part))
    stage, block, kind, number = found.groups()
    rank = 10 + int(number) if kind == "downsample." else 2 * int(number) + (kind == "bn")
    return (1, "", int(stage or 0), int(block or 0), rank, PARTS.index(part))


class _Bottleneck(nn.Module):
    """A residual block behind a temporal shift of an eighth of the channels each way."""

    def __init__(self, channels: int, width: int, stride: int, segments: int):
        super().__init__()
        self.segments = segments

        def conv(before: int, after: int, kernel: int, stride: int = 1) -> list[nn.Module]:
            layer = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
            return [layer, nn.BatchNorm2d(after)]

        self.branch = nn.Sequential(
            *conv(channels, width, 1),
            nn.ReLU(True),
            *conv(width, width, 3, stride),
            nn.ReLU(True),
            *conv(width, 4 * width, 1),
        )
        changes = stride > 1 or channels != 4 * width
        self.shortcut = nn.Sequential(*conv(channels, 4 * width, 1, stride)) if changes else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps of the same clips."""
        clips = x.unflatten(0, (-1, self.segments))
        moved = x.shape[1] // 8
        shifted = torch.zeros_like(clips)
        shifted[:, :-1, :moved] = clips[:, 1:, :moved]
        shifted[:, 1:, moved : 2 * moved] = clips[:, :-1, moved : 2 * moved]
        shifted[:, :, 2 * moved :] = clips[:, :, 2 * moved :]
        y = self.branch(shifted.flatten(0, 1))
        return functional.relu(y + (x if self.shortcut is None else self.shortcut(x)))


def flow_network(name: str, frames: np.ndarray, on_gpu: bool) -> Iterator[Variant]:
    """A flow network on all pairs of a clip."""

    def make(precision: str) -> Callable[[], Any]:
        network = flow.create(name, size=frames.shape[2], dtype=policy_of(precision))
        x = torch.from_numpy(frames).to(DEVICE)
        return timed(lambda: network(x), precision)

    for precision in precisions(on_gpu):
        yield "keras", "no", precision, lambda precision=precision: make(precision)
