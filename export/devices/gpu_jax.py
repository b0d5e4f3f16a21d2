"""The cases of `gpu.py` on JAX, compiled by XLA."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import keras
import numpy as np
from jax import numpy as jnp
from keras import ops

from pan_keras import flow, models
from pan_keras.layers import PersistenceOfAppearance

Made = Callable[[], Callable[[], Any]]
Variant = tuple[str, str, str, Made]  # form, compiled, precision, make
PRODUCTS = {"float32": "float32", "tf32": "tensorfloat32", "bfloat16": "default"}


def precisions(on_gpu: bool, exact: bool = False) -> tuple[str, ...]:
    """The precisions worth measuring on a device."""
    if not on_gpu:
        return ("float32", "bfloat16")
    return ("float32", "tf32", "bfloat16") if exact else ("tf32", "bfloat16")


def policy_of(precision: str) -> str:
    """The policy of Keras' layers."""
    return "mixed_bfloat16" if precision == "bfloat16" else "float32"


def as_array(result: Any) -> np.ndarray:
    """A result in float32, from the device."""
    return np.asarray(result).astype("float32")


def compiled(function: Callable[..., Any], precision: str, *arguments: Any) -> Callable[[], Any]:
    """A function without arguments: computes on the device and waits."""
    arguments = jax.device_put(arguments)
    with jax.default_matmul_precision(PRODUCTS[precision]):
        call = jax.jit(function).lower(*arguments).compile()
    return lambda: jax.block_until_ready(call(*arguments))


def pa(frames: np.ndarray, kernel: np.ndarray, bias: np.ndarray, on_gpu: bool) -> Iterator[Variant]:
    """PA by the layer, and plainly: all frames convolved, then the norm of differences."""

    def by_layer(precision: str) -> Made:
        def make() -> Callable[[], Any]:
            layer = PersistenceOfAppearance(dtype=policy_of(precision))
            layer.build(frames.shape)
            return compiled(
                lambda weights, x: layer.stateless_call(weights, [], x)[0],
                precision,
                [kernel, bias],
                frames,
            )

        return make

    def plainly(precision: str) -> Made:
        def function(kernel: Any, bias: Any, x: Any) -> Any:
            kind = "bfloat16" if precision == "bfloat16" else "float32"
            maps = jnp.reshape(x, (-1, *x.shape[2:])).astype(kind)
            maps = ops.conv(maps, kernel.astype(kind), padding="same") + bias.astype(kind)
            maps = jnp.reshape(maps, (*x.shape[:2], *maps.shape[1:]))
            distance = jnp.linalg.norm(maps[:, :-1] - maps[:, 1:] + 1e-6, axis=-1)
            return jnp.moveaxis(distance, 1, -1)

        return lambda: compiled(function, precision, kernel, bias, frames)

    for precision in precisions(on_gpu, exact=True):
        yield "keras", "xla", precision, by_layer(precision)
        yield "plain", "xla", precision, plainly(precision)


def pan_lite(method: str, clips: np.ndarray, classes: int, on_gpu: bool) -> Iterator[Variant]:
    """PAN_Lite on ResNet-50: its logits, or a step of training with momentum."""

    def make(precision: str) -> Callable[[], Any]:
        _, segments, stack, size = clips.shape[:4]
        model = models.create(
            "pan_lite_resnet50",
            classes=classes,
            segments=segments,
            stack=stack,
            size=size,
            dtype=policy_of(precision),
        )
        weights, moving = (
            [variable.value for variable in variables]
            for variables in (model.trainable_variables, model.non_trainable_variables)
        )
        if method == "pan_lite":
            return compiled(
                lambda weights, moving, x: model.stateless_call(weights, moving, x)[0],
                precision,
                weights,
                moving,
                clips,
            )
        optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
        optimizer.build(model.trainable_variables)
        labels = np.arange(len(clips)) % classes

        def loss(weights: Any, moving: Any, x: Any) -> tuple[Any, Any]:
            logits, moving = model.stateless_call(weights, moving, x, training=True)
            logits = ops.cast(logits, "float32")
            losses = ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
            return ops.mean(losses), moving

        def step(weights: Any, moving: Any, state: Any, x: Any) -> Any:
            (value, moving), gradients = jax.value_and_grad(loss, has_aux=True)(weights, moving, x)
            return optimizer.stateless_apply(state, gradients, weights), moving, value

        state = [variable.value for variable in optimizer.variables]
        return compiled(step, precision, weights, moving, state, clips)

    for precision in precisions(on_gpu):
        yield "keras", "xla", precision, lambda precision=precision: make(precision)


def flow_network(name: str, frames: np.ndarray, on_gpu: bool) -> Iterator[Variant]:
    """A flow network on all pairs of a clip."""

    def make(precision: str) -> Callable[[], Any]:
        network = flow.create(name, size=frames.shape[2], dtype=policy_of(precision))
        weights = [variable.value for variable in network.trainable_variables]
        return compiled(
            lambda weights, x: network.stateless_call(weights, [], x)[0],
            precision,
            weights,
            frames,
        )

    for precision in precisions(on_gpu):
        yield "keras", "xla", precision, lambda precision=precision: make(precision)
