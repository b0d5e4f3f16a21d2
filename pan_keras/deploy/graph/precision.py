"""Layers of a deployment graph that stay in float under int8 quantisation, with reasons."""

import keras

from pan_keras.deploy.graph.motion import MotionNorm, PixelLayout
from pan_keras.deploy.graph.network import BranchFusion, Classifier

LEFT_IN_FLOAT: dict[type[keras.layers.Layer], str] = {
    MotionNorm: "PA: squares of small and large motion do not fit into eight bits together",
    PixelLayout: "PA: rearranges the output of the norm, which is float",
    Classifier: "gives logits; in eight bits near classes would tie",
    BranchFusion: "gives logits; in eight bits near classes would tie",
}


def float_layers(graph: keras.Model) -> dict[str, str]:
    """Finds the layers of a graph that stay in float when it is quantised.

    Args:
        graph: Result of `pan_keras.deploy.graph.network.deployment_graph`.

    Returns:
        Reasons by layer name.

    Example:
        >>> from pan_keras import models
        >>> from pan_keras.deploy.graph.network import deployment_graph
        >>> graph = deployment_graph(models.create("pan_lite_micro", classes=8, size=64))
        >>> list(float_layers(graph))
        ['pa_norm', 'pa_layout', 'classifier']
    """
    return {
        layer.name: reason
        for layer in graph.layers
        for kind, reason in LEFT_IN_FLOAT.items()
        if isinstance(layer, kind)
    }
