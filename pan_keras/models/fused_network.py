"""Networks on the same frames with averaged scores."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import keras
from keras import ops

from pan_keras.layers import ScoreFusion


class FusedNetwork(keras.Model):
    """Classifies clips by the weighted average of the scores of several networks.

    Subclasses define the branches. A branch is a complete network, so branches can be trained
    separately and then combined; all share the input `frames`. The fused network can also be
    trained end to end, from scratch or from trained branches.

    Args:
        branches: The networks by name. They are not copied: their weights are shared.
        weights: Weight of each branch, in the same order; normalised to a sum of 1.
        fuse: What is averaged, `"logits"` or `"probabilities"`; see `ScoreFusion`.

    Attributes:
        branches: The networks by name.

    Input shape:
        `(B, N, m, H, W, 3)`: RGB in 0..255, uint8 or float.

    Output shape:
        `(B, classes)`: logits, float32; with `fuse="probabilities"` the logarithm of the averaged
        probabilities, which are valid logits.

    Raises:
        ValueError: If the branches differ in input shape or number of classes.

    Example:
        >>> from pan_keras import models
        >>> model = models.create("pan_full_micro", classes=8, segments=4, stack=3, size=32)
        >>> list(model.branches), model.output_shape
        (['rgb', 'pa'], (None, 8))
        >>> model.intermediates(np.zeros((1, 4, 3, 32, 32, 3)))["pa/motion"].shape
        (1, 4, 32, 32, 2)
    """

    def __init__(
        self,
        branches: dict[str, keras.Model],
        weights: Sequence[float],
        fuse: str = "logits",
        **kwargs: Any,
    ):
        check_branches(branches)
        first = next(iter(branches.values()))
        frames = keras.Input(first.input_shape[1:], name="frames")
        fusion = ScoreFusion(weights, fuse, dtype="float32", name="logits")
        logits = fusion(ops.stack([branch(frames) for branch in branches.values()], axis=1))
        super().__init__(inputs=frames, outputs=logits, **kwargs)
        self.dtype_policy = first.dtype_policy
        self.branches = branches
        self.fusion = fusion
        self.classes = first.classes
        self.segments = first.segments
        self.stack = first.stack
        self.size = first.size

    def intermediates(self, frames: Any) -> dict[str, Any]:
        """Computes the tensors of all branches in inference mode.

        Args:
            frames: Input of the model.

        Returns:
            `logits` `(B, classes)`, and the intermediates of each branch, under names such as
            `rgb/features` and `pa/motion`.
        """
        tensors = {
            f"{name}/{key}": value
            for name, branch in self.branches.items()
            for key, value in branch.intermediates(frames).items()
        }
        logits = [tensors[f"{name}/logits"] for name in self.branches]
        return {**tensors, "logits": self.fusion(ops.stack(logits, axis=1))}

    def get_config(self) -> dict[str, Any]:
        return {
            **{
                name: keras.saving.serialize_keras_object(branch)
                for name, branch in self.branches.items()
            },
            "size": list(self.size),
            "weights": self.fusion.shares,
            "fuse": self.fusion.fuse,
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        size = config["size"]
        options = {key: value for key, value in config.items() if key != "size"}
        for name, value in options.items():
            if isinstance(value, dict) and "class_name" in value:
                # The requested size, which may differ from that of the branch.
                branch = {**value, "config": {**value["config"], "size": size}}
                options[name] = keras.saving.deserialize_keras_object(branch)
        return cls(**options)


def check_branches(branches: Mapping[str, keras.Model]) -> None:
    """Raises ValueError if networks cannot be branches of one model."""
    (name, first), *others = branches.items()
    for other, branch in others:
        if branch.input_shape != first.input_shape:
            raise ValueError(
                f"{other} takes frames {branch.input_shape[1:]}, but {name} takes "
                f"{first.input_shape[1:]}; make both with the same segments, stack and size"
            )
        if branch.classes != first.classes:
            raise ValueError(
                f"{other} has {branch.classes} classes, but {name} has {first.classes}; "
                "train both on the same classes"
            )
        if branch.name == first.name:
            raise ValueError(f"{other} and {name} are both named {branch.name!r}; rename one")
