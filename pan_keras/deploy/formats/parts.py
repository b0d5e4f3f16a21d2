"""The parts of an exported graph that eight bits do not suit, by name scope."""

import re

# Name scopes that `graph/network.py` and `graph/motion.py` give.
LEFT_IN_FLOAT = {
    "pa_norm": "PA: squares of small and large motion do not fit into eight bits together",
    "pa_layout": "PA: rearranges what comes out of the norm in float",
    "classifier": "gives logits; in eight bits near classes would tie",
    "fusion": "gives logits; in eight bits near classes would tie",
}
GIVEN_OUT = "gives an output, which is float"
NO_FORM = "the quantiser has no form of it in eight bits"


def in_scope(scope: str) -> re.Pattern[str]:
    """Matches the names of tensors that were made in a name scope.

    TensorFlow numbers scopes that occur several times, and the TFLite converter joins names of what
    it fuses by semicolons.

    Example:
        >>> bool(in_scope("pa_norm").match("serve/pa_norm_1/Sqrt;x"))
        True
    """
    return re.compile(rf"(^|.*[;/]){scope}(_\d+)?/.*")


def reason(tensor: str) -> str | None:
    """Why the operation that makes a tensor is left in float; None if it is not."""
    return next(
        (why for scope, why in LEFT_IN_FLOAT.items() if in_scope(scope).match(tensor)), None
    )
