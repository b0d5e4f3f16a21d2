"""From the reference's state dicts to Keras models, for parity tests."""

from golden_files import convolution_kernel

PREFIX = "sd."
# What the reference's names for a batch normalisation's tensors are, in Keras' order.
NORMALISATION = ("weight", "bias", "running_mean", "running_var")


def load_reference(model, arrays):
    """Sets all weights of a video network from a golden file's state dict.

    Args:
        model: A `VideoNetwork` with VAP, of the file's architecture.
        arrays: The file's arrays; those under `sd.` are used, each exactly once.
    """
    state = {
        key.removeprefix(PREFIX).replace(".net.", "."): array
        for key, array in arrays.items()
        if key.startswith(PREFIX) and not key.endswith("num_batches_tracked")
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
    key = name.replace("downsample_conv", "downsample.0").replace("downsample_bn", "downsample.1")
    key = "base_model." + key.replace("_", ".")
    if f"{key}.running_mean" not in state:
        return [convolution_kernel(state.pop(f"{key}.weight"))]
    return [state.pop(f"{key}.{part}") for part in NORMALISATION]
