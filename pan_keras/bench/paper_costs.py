"""Compares costs stated in the paper with those counted here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from pan_keras import flow
from pan_keras.bench.model_table import build_and_count, model_table
from pan_keras.layers import PersistenceOfAppearance
from pan_keras.models.cost import Cost


@dataclass(frozen=True)
class PaperCost:
    """A cost stated in the paper and its count here.

    Attributes:
        what: The network or module, with the shape of its clips.
        table: The paper's table.
        paper: The paper's figure, in billions of multiply-accumulates.
        cost: The cost counted here.
    """

    what: str
    table: str
    paper: float
    cost: Cost

    def to_json(self) -> dict[str, Any]:
        """Returns the comparison as a JSON object."""
        return {
            "what": self.what,
            "table": self.table,
            "paper_macs": round(self.paper * 1e9),
            "macs": self.cost.macs,
            "needed_macs": self.cost.needed_macs,
            "parameters": self.cost.parameters,
        }


def paper_costs() -> list[PaperCost]:
    """Counts every cost that the paper states, with the paper's numbers of frames.

    Example:
        >>> row = paper_costs()[0]
        >>> row.what, row.paper, row.cost.macs, row.cost.parameters
        ('PA, 8x6 frames of 224', 2.868, 2867658752, 1184)

    The flow networks pad 224 to 256, a multiple of 64. The paper's figures are reproduced to all
    digits for 256 x 256 pixels if each output of a transposed convolution is counted as if it used
    the whole kernel, four times what it needs, and correlation is not counted. By `needed_macs`,
    FlowNetS takes 0.6 of the paper's figure. No way of counting reproduces them for 224 x 224.

    References:
        PAN paper, Table I (PA and its parameters), Table II (flow networks) and Table V (networks,
        174 classes).
    """
    modules = [
        PaperCost(f"{what}, 8x6 frames of 224", "I", paper, build_and_count(pa_of(encoding)))
        for what, encoding, paper in (
            ("PA", "motion", 2.868),
            ("PA as attention", "attention", 2.884),
        )
    ]
    networks = [
        PaperCost(f"{name}, 8x4 frames of {size}", "V", paper, model_table(name, size=size)[0].cost)
        for name, size, paper in (
            ("pan_lite_resnet50", 224, 35.7),
            ("pan_full_resnet50", 224, 67.7),
            ("pan_lite_resnet50", 256, 46.6),
            ("pan_full_resnet50", 256, 88.4),
            ("pan_lite_resnet101", 256, 85.6),
            ("pan_full_resnet101", 256, 166.1),
        )
    ]
    flows = [
        PaperCost(f"{name}, 40 pairs of 224", "II", paper, build_and_count(flow_of(name)))
        for name, paper in (("flownet_s", 356), ("flownet_c", 444), ("flownet2", 2019))
    ]
    return modules + flows + networks


def pa_of(encoding: str) -> Callable[[], keras.Model]:
    """Returns a function that builds PA alone for the clips of the paper's Table I."""

    def make():
        frames = keras.Input((8, 6, 224, 224, 3))
        stacks = ops.reshape(frames, (-1, 6, 224, 224, 3))
        return keras.Model(frames, PersistenceOfAppearance(encoding=encoding)(stacks))

    return make


def flow_of(name: str) -> Callable[[], keras.Model]:
    """Returns a function that builds a flow network for the pairs of the paper's Table II."""

    def make():
        frames = keras.Input((8 * 5, 2, 224, 224, 3))
        pairs = ops.reshape(frames, (-1, 2, 224, 224, 3))
        return keras.Model(frames, flow.create(name, size=224)(pairs))

    return make


def to_text(rows: list[PaperCost]) -> str:
    """Formats rows as a text table."""
    width = max(len(row.what) for row in rows)
    lines = [f"{'':<{width}}  table  paper/G  counted/G  needed/G  parameters"]
    lines += [
        f"{row.what:<{width}}  {row.table:>5}  {row.paper:>7}  {row.cost.macs / 1e9:9.3f}  "
        f"{row.cost.needed_macs / 1e9:8.3f}  {row.cost.parameters:10,}"
        for row in rows
    ]
    return "\n".join(lines)
