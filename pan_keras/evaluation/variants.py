"""The variants that `ablate` compares, grouped by table of the paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pan_keras import backbones
from pan_keras.errors import UserError

AVERAGE = 'model.aggregation="average"'
VAP = 'model.aggregation="vap"'
VIP = 'model.aggregation="vip"'
NO_SHIFT = "model.shift=false"
CAUSAL = "model.causal=true"


@dataclass(frozen=True)
class Variant:
    """A network of an ablation.

    Args:
        name: Its name in the table.
        model: Registry name.
        settings: `section.key=value` strings that remove or add parts.
        cue: Value of `data.cue`; None for the network's own.
        method: Name of the motion cue in `pan-keras bench motion`; None if it has none or several.

    Example:
        >>> Variant("DIS", "flow_micro", cue="dis").overrides
        ('data.cue="dis"',)
    """

    name: str
    model: str
    settings: tuple[str, ...] = ()
    cue: str | None = None
    method: str | None = None

    @property
    def overrides(self) -> tuple[str, ...]:
        """All settings, including that of the cue."""
        return self.settings if self.cue is None else (*self.settings, f'data.cue="{self.cue}"')

    def on(self, backbone: str) -> "Variant":
        """The same variant on another backbone."""
        return replace(self, model=f"{self.model.rpartition('_')[0]}_{backbone}")


# Parts of PAN: the input of the backbone, the temporal shift, the aggregation of segments.
PARTS = (
    Variant("RGB, average", "tsn_micro"),
    Variant("RGB, VAP", "tsn_micro", (VAP,)),
    Variant("PA, average", "pa_micro", (NO_SHIFT, AVERAGE)),
    Variant("RGB and PA, VAP", "pan_lite_micro", (NO_SHIFT,)),
    Variant("RGB, TSM, average", "tsm_micro"),
    Variant("RGB, TSM, VAP", "tsm_micro", (VAP,)),
    Variant("PA, TSM, average", "pa_micro", (AVERAGE,)),
    Variant("RGB and PA, TSM, average", "pan_lite_micro", (AVERAGE,)),
    Variant("RGB and PA, TSM, VIP", "pan_lite_micro", (VIP,)),
    Variant("RGB and PA, TSM, VAP (PAN_Lite)", "pan_lite_micro"),
)
# Input cues of the backbone.
CUES = (
    Variant("RGB, TSM, VAP", "tsm_micro", (VAP,)),
    Variant("PA, TSM, VAP", "pa_micro"),
    Variant("RGB and PA, TSM, VAP (PAN_Lite)", "pan_lite_micro"),
    Variant("RGB beside PA, TSM, VAP (PAN_Full)", "pan_full_micro"),
    Variant("RGB and PA, causal TSM, VAP (PAN_Lite, for streams)", "pan_lite_micro", (CAUSAL,)),
)
# Supplement, section I: the networks of Tables I and II are TSN on stacks of six frames.
TSN = ("model.stack=6", NO_SHIFT, AVERAGE)
# Table II and further motion cues: the same network and training with another input.
MOTION = (
    Variant("RGB", "tsn_micro", TSN, "rgb"),
    Variant("RGB difference", "difference_micro", TSN, "difference", "difference"),
    Variant("PA", "pa_micro", TSN, "pa", "pa"),
    Variant("motion vectors", "flow_micro", TSN, "vectors", "vectors"),
    Variant("DIS, ultrafast", "flow_micro", TSN, "dis_ultrafast", "dis_ultrafast"),
    Variant("DIS, medium", "flow_micro", TSN, "dis", "dis_medium"),
    Variant("Farneback", "flow_micro", TSN, "farneback", "farneback"),
    Variant("TV-L1", "flow_micro", TSN, "tvl1", "tvl1"),
)
# Table I.
ENCODINGS = (
    Variant("e1, PA as motion", "pa_micro", (*TSN, 'model.motion_encoding="e1"'), "pa", "pa"),
    Variant("e2, PA as attention", "pa_micro", (*TSN, 'model.motion_encoding="e2"'), "pa", "pa_e2"),
)
# Fig. 2-B.
DEPTHS = tuple(
    Variant(f"depth {depth}", "pa_micro", (*TSN, f"model.motion_depth={depth}"), "pa")
    for depth in (0, 1, 2, 4, 8)
)
VARIANTS: Mapping[str, Sequence[Variant]] = {
    "parts": PARTS,
    "cues": CUES,
    "motion": MOTION,
    "encodings": ENCODINGS,
    "depths": DEPTHS,
}


def choose(
    table: str = "parts", backbone: str = "micro", without: Sequence[str] = ()
) -> tuple[Variant, ...]:
    """Returns the variants of a table.

    Args:
        table: `"parts"`, `"cues"`, `"motion"`, `"encodings"` or `"depths"`.
        backbone: Backbone of all networks.
        without: Cues whose networks are left out.

    Raises:
        UserError: If there is no such table or backbone, or no network on such a cue.

    Example:
        >>> [variant.name for variant in choose("encodings")]
        ['e1, PA as motion', 'e2, PA as attention']
    """
    if table not in VARIANTS:
        raise UserError(f"networks: {table!r} is not one of {', '.join(VARIANTS)}")
    if backbone not in backbones.names():
        raise UserError(f"backbone: {backbone!r} is not one of {', '.join(backbones.names())}")
    every = VARIANTS[table]
    cues = [variant.cue for variant in every if variant.cue is not None]
    for cue in without:
        if cue not in cues:
            known = ", ".join(dict.fromkeys(cues)) or "none of their own"
            raise UserError(f"without {cue}: no network of {table} uses it; they use {known}")
    left = tuple(variant.on(backbone) for variant in every if variant.cue not in without)
    if not left:
        raise UserError(f"without {', '.join(without)}: no network of {table} is left; remove one")
    return left
