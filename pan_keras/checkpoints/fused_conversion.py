"""From the checkpoints of several branches to one model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import keras

from pan_keras.checkpoints.architecture import Architecture, detect
from pan_keras.checkpoints.conversion import Conversion, check_name, fill_branch
from pan_keras.checkpoints.state_dict import described, read_state_dict
from pan_keras.errors import UserError
from pan_keras.models import PANEnsemble, PANFull, VideoNetwork

FULL, ENSEMBLE = {"rgb", "pa"}, {"rgb", "pa", "lite"}
FUSE_RUNS = "convert each by itself, and give `pan-keras evaluate` all the runs to fuse them"


def convert_full(
    paths: Sequence[str | Path],
    *,
    segments: int | None = None,
    name: str | None = None,
    size: int | tuple[int, int] = 224,
    pa_encoding: str = "e1",
) -> Conversion:
    """Makes one Keras model of the checkpoints of branches that were trained apart.

    Args:
        paths: Checkpoints of an RGB and a PA network, in any order, for PAN_Full; with one of
            PAN_Lite besides, for PAN_En.
        segments: Segments per clip, N, where the checkpoints fit several numbers.
        name: What to call the model.
        size: Height and width of the frames in pixels.
        pa_encoding: What the networks make of PA, `"e1"` or `"e2"`; no tensor tells.

    Raises:
        UserError: If a file cannot be read, or the networks are not those or do not fit together.

    Example:
        >>> convert_full(["RGB.pth.tar", "PA.pth.tar"]).model.output_shape
        (None, 174)
    """
    check_name(name)
    states = {}
    found: dict[str, tuple[Path, Architecture]] = {}
    for path in map(Path, paths):
        state = read_state_dict(path)
        with described(path):
            architecture = detect(state, segments, pa_encoding=pa_encoding)
        if architecture.modality in found:
            raise UserError(
                f"{path}: {found[architecture.modality][0]} is of {architecture.modality} too; "
                "give one checkpoint of each branch"
            )
        states[path] = state
        found[architecture.modality] = (path, architecture)
    if set(found) not in (FULL, ENSEMBLE):
        raise UserError(
            f"the checkpoints are of {', '.join(sorted(found))}; give one of rgb and one of pa for "
            "PAN_Full, and one of lite besides for PAN_En"
        )
    architectures = _alike({mode: each for mode, (_, each) in found.items()})
    branches = {}
    for mode, (path, _) in found.items():
        with described(path):
            branches[mode] = fill_branch(path, states[path], architectures[mode], size, mode)
    pa = architectures["pa"]
    family = "pan_full" if set(found) == FULL else "pan_en"
    registered = f"{family}_{pa.backbone}"
    model = _fused({mode: branch.network for mode, branch in branches.items()}, name or registered)
    return Conversion(model, registered, pa.settings, tuple(branches.values()))


def _alike(architectures: Mapping[str, Architecture]) -> dict[str, Architecture]:
    """The architectures, with the same frames for all.

    Raises:
        UserError: If they are not of one kind.
    """
    stacks = {each.stack for mode, each in architectures.items() if mode != "rgb"}
    kinds = [
        (each.backbone, each.options, each.shift, each.segments, each.classes, each.aggregation)
        for each in architectures.values()
    ]
    pa = [each.pa for each in architectures.values() if each.pa]
    differ = any(kind != kinds[0] for kind in kinds) or any(each != pa[0] for each in pa)
    if len(stacks) > 1 or differ:
        raise UserError(
            "the checkpoints differ in backbone, shift, segments, stack, PA, classes or aggregation"
            f"; {FUSE_RUNS}"
        )
    # The RGB branch sees the first frame of each stack, however long it is.
    (stack,) = stacks
    return {mode: replace(each, stack=stack) for mode, each in architectures.items()}


def _fused(networks: Mapping[str, VideoNetwork], name: str) -> keras.Model:
    alone = "lite" not in networks
    full = PANFull(rgb=networks["rgb"], pa=networks["pa"], name=name if alone else "full")
    return full if alone else PANEnsemble(lite=networks["lite"], full=full, name=name)
