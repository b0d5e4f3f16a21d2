"""From the reference's state dicts to Keras models and back, for parity tests."""

import numpy as np
from golden_files import convolution_kernel

PREFIX = "sd."
# What the reference's names for a batch normalisation's tensors are, in Keras' order.
NORMALISATION = ("weight", "bias", "running_mean", "running_var")


def load_reference(model, arrays, prefix=PREFIX):
    """Sets all weights of a video network from a golden file's state dict.

    Args:
        model: A `VideoNetwork` with VAP, of the file's architecture.
        arrays: The file's arrays; those under the prefix are used, each exactly once.
        prefix: Before the names of the state dict.
    """
    state = {
        key.removeprefix(prefix).replace(".net.", "."): array
        for key, array in arrays.items()
        if key.startswith(prefix) and not key.endswith("num_batches_tracked")
    }
    names = [layer.name for layer in model.layers]
    if "persistence_of_appearance" in names:
        kernel = convolution_kernel(state.pop("PA.shallow_conv.weight"))
        bias = state.pop("PA.shallow_conv.bias")
        model.get_layer("persistence_of_appearance").set_weights([kernel, bias])
    head = "base_model.fc"
    expansions = [state.pop(f"{head}.TES.{index}.weight").T for index in (0, 2)]
    model.get_layer("vap").set_weights(expansions)
    classifier = [state.pop(f"{head}.pred.weight").T, state.pop(f"{head}.pred.bias")]
    model.get_layer("logits").set_weights(classifier)
    for layer in model.backbone.layers:
        if layer.weights:
            layer.set_weights(layer_weights(layer.name, state))
    assert not state, f"weights without a place: {sorted(state)}"


def layer_weights(name, state):
    """Takes one backbone layer's weights out of the state dict."""
    key = reference_key(name)
    if f"{key}.running_mean" not in state:
        return [convolution_kernel(state.pop(f"{key}.weight"))]
    return [state.pop(f"{key}.{part}") for part in NORMALISATION]


def reference_state(model):
    """The reference's state dict with the weights of a PAN_Lite, `.net` left out."""
    pa, vap, logits = (
        model.get_layer(name).get_weights()
        for name in ("persistence_of_appearance", "vap", "logits")
    )
    head = "base_model.fc"
    state = {
        "PA.shallow_conv.weight": torch_kernel(pa[0]),
        "PA.shallow_conv.bias": pa[1],
        f"{head}.TES.0.weight": vap[0].T,
        f"{head}.TES.2.weight": vap[1].T,
        f"{head}.pred.weight": logits[0].T,
        f"{head}.pred.bias": logits[1],
    }
    for layer in model.backbone.layers:
        weights, key = layer.get_weights(), reference_key(layer.name)
        if len(weights) == 1:
            state[f"{key}.weight"] = torch_kernel(weights[0])
        elif weights:
            names = (f"{key}.{part}" for part in NORMALISATION)
            state.update(zip(names, weights, strict=True))
    return state


def reference_key(name):
    """The reference's name of a backbone layer."""
    key = name.replace("downsample_conv", "downsample.0").replace("downsample_bn", "downsample.1")
    return "base_model." + key.replace("_", ".")


def torch_kernel(kernel):
    """(kh, kw, in, out) -> (out, in, kh, kw)."""
    return np.transpose(kernel, (3, 2, 0, 1))
