"""Ablation: training of the variants, output files, and continuing an interrupted one."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import keras
import pytest
from click.testing import CliRunner
from small_settings import SMALL

from pan_keras import models
from pan_keras.cli import main
from pan_keras.clips.clip_shape import FIELDS
from pan_keras.errors import UserError
from pan_keras.evaluation import ablation as subject
from pan_keras.evaluation.ablation import Ablation, Row, ablate
from pan_keras.evaluation.variants import CUES, DEPTHS, ENCODINGS, MOTION, PARTS, Variant, choose
from pan_keras.flow import METHODS
from pan_keras.input import FieldStore
from pan_keras.models.cost import cost
from pan_keras.runs.network import with_network
from pan_keras.runs.run import open_run
from pan_keras.training import resolve, shared_length


def test_a_comparison_is_written_and_read_again(tmp_path):
    lines = []
    chosen = {"variants": PARTS[-1:], "seeds": (1, 2), "clips": 48, "folder": tmp_path}
    first = ablate(overrides=SMALL, progress=lines.append, **chosen)
    assert len(lines) == 2
    assert [len(row.accuracies) for row in first.rows] == [2]
    with (tmp_path / "results.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["network"] for row in rows] == [variant.name for variant in PARTS[-1:]]
    assert (tmp_path / "results.md").read_text(encoding="utf-8") == first.to_markdown()

    models = sorted(path.stat().st_mtime_ns for path in tmp_path.rglob("model.keras"))
    again = ablate(overrides=SMALL, **chosen)
    assert again == first
    assert sorted(path.stat().st_mtime_ns for path in tmp_path.rglob("model.keras")) == models

    with pytest.raises(UserError, match="other settings"):
        ablate(overrides=[*SMALL, "training.batch=4"], **chosen)


class PowerCut(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise RuntimeError("power cut")


@pytest.mark.slow
def test_a_moved_folder_resumes(tmp_path, monkeypatch):
    # As of a network on flow, whose configuration names the folder of the fields too.
    monkeypatch.setattr(subject, "FIELDS", (None,))
    chosen = {
        "variants": [Variant("PA", "pan_lite_micro")],
        "seeds": (1,),
        "clips": 48,
        "overrides": [*SMALL, "training.epochs=2"],
    }
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    with pytest.raises(RuntimeError, match="power cut"):
        ablate(folder=first, callbacks=[PowerCut()], **chosen)
    first.rename(second)
    resumed = ablate(folder=second, **chosen)
    run = open_run(second / "pa" / "seed-1")
    assert len(run.metrics()) == 2
    config = run.config.data
    assert (Path(config.root), Path(config.cue_folder)) == (second / "motions", second / "fields")
    second.rename(third)
    assert ablate(folder=third, **chosen) == resumed
    assert not first.exists()
    assert not second.exists()
    with pytest.raises(UserError, match="other settings"):
        ablate(folder=third, **{**chosen, "overrides": SMALL})


def test_all_networks_of_a_comparison_are_trained_equally_long(small_motions):
    def configs(*settings):
        found = [
            resolve(
                "motions",
                root=small_motions,
                model=each.model,
                overrides=(*settings, *each.overrides),
            )
            for each in MOTION
        ]
        # As in the recipe `paper`, which leaves the epochs to the network.
        return [replace(config, training=replace(config.training, epochs=None)) for config in found]

    # The paper trains networks on RGB for 50 epochs, others for 80, and on few clips for half.
    steps = configs("training.schedule=steps")
    assert shared_length(steps) == ("training.epochs=40", "training.milestones=[0.375, 0.75]")
    assert shared_length(configs("training.schedule=cosine")) == ("training.epochs=40",)
    assert shared_length(steps[:1]) == ()


@pytest.mark.slow
def test_flow_is_computed_once_for_all_seeds(tmp_path, monkeypatch):
    computed, flows = [], FieldStore._flows

    def noted(self, path, starts):
        computed.append(path)
        return flows(self, path, starts)

    monkeypatch.setattr(FieldStore, "_flows", noted)
    variant = replace(
        next(each for each in MOTION if each.cue == "dis_ultrafast"), settings=SMALL[1:2]
    )
    chosen = {"variants": [variant], "clips": 48, "folder": tmp_path}
    one = ablate(overrides=SMALL, seeds=(1,), **chosen)
    trained = set((tmp_path / "fields").iterdir())
    assert {path.parts[-3] for path in computed} == {"train", "val", "test"}
    computed.clear()
    two = ablate(overrides=SMALL, seeds=(1, 2), **chosen)
    assert set((tmp_path / "fields").iterdir()) == trained
    # Only some frames of test clips are needed, so their fields are not stored.
    assert {path.parts[-3] for path in computed} == {"test"}
    assert two.rows[0].accuracies[0] == one.rows[0].accuracies[0]
    (row,) = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["rows"]
    assert (row["cue"], row["method"]) == ("dis_ultrafast", "dis_ultrafast")
    assert row["seeds"] == list(two.rows[0].accuracies)
    assert row["macs"] > row["motion_macs"] == 0
    config = open_run(tmp_path / "dis-ultrafast" / "seed-1").config
    assert Path(config.data.cue_folder) == tmp_path / "fields"


def test_motion_networks_differ_in_their_input_alone(tmp_path):
    configs = [
        resolve("motions", root=tmp_path, model=each.model, overrides=each.overrides)
        for each in MOTION
    ]
    assert [config.data.cue for config in configs] == [each.cue for each in MOTION]
    assert {"rgb", "pa", "difference", *FIELDS} - {"dis_fast"} == {each.cue for each in MOTION}
    same = {
        replace(
            with_network(config),
            data=replace(config.data, cue=None),
            model=replace(
                with_network(config).model,
                name="",
                motion_depth=None,
                motion_encoding=None,
                motion_kernel=None,
            ),
        )
        for config in configs
    }
    assert len(same) == 1
    (config,) = same
    assert (config.model.stack, config.model.shift, config.model.aggregation) == (
        6,
        False,
        "average",
    )


def test_methods_are_those_of_the_benchmark():
    assert {each.method for each in MOTION} - {None, "pa", "difference", "vectors"} <= set(METHODS)


def test_tables_of_the_paper_vary_pa():
    assert [settings for each in ENCODINGS for settings in each.settings[3:]] == [
        'model.motion_encoding="e1"',
        'model.motion_encoding="e2"',
    ]
    depths = [each.settings[3] for each in DEPTHS]
    assert depths == [f"model.motion_depth={depth}" for depth in (0, 1, 2, 4, 8)]
    for each in (*ENCODINGS, *DEPTHS):
        assert resolve("motions", model=each.model, overrides=each.overrides).data.cue == "pa"


def test_a_table_is_chosen_with_its_backbone_and_without_some_cues():
    chosen = choose("motion", "resnet18", without=("tvl1", "vectors"))
    assert len(chosen) == len(MOTION) - 2
    assert {each.model for each in chosen} == {
        f"{family}_resnet18" for family in ("tsn", "difference", "pa", "flow")
    }
    for table, backbone, without, message in (
        ("motions", "micro", (), "not one of parts, cues, motion"),
        ("motion", "resnet", (), "backbone: 'resnet' is not one of"),
        ("motion", "micro", ("hog",), "no network of motion uses it; they use rgb, difference"),
        ("depths", "micro", ("pa",), "no network of depths is left"),
    ):
        with pytest.raises(UserError, match=message):
            choose(table, backbone, without)


def test_figures_are_of_the_network_and_of_pa():
    model = models.create("pa_micro", classes=2, segments=8, stack=6, size=224)
    row = Row(ENCODINGS[0], (0.5,), cost(model))
    assert row.figures["motion_parameters"] == 1184
    assert row.figures["motion_macs"] == pytest.approx(2.868e9, rel=1e-3)
    assert row.figures["macs"] > row.figures["motion_macs"]
    assert set(Row(ENCODINGS[0], (0.5,)).figures.values()) == {None}
    (line,) = csv.DictReader(Ablation("motions", (row,)).to_csv().splitlines())
    assert line["motion_parameters"] == "1184"
    assert line["method"] == "pa"


@pytest.mark.parametrize("variant", [*PARTS, *CUES], ids=lambda variant: variant.name)
def test_a_variant_describes_its_training(variant, tmp_path):
    config = resolve("motions", root=tmp_path, model=variant.model, overrides=variant.settings)
    aggregation = config.model.aggregation
    name = variant.name
    if aggregation is not None:
        assert {"vap": "VAP", "vip": "VIP", "average": "average"}[aggregation] in name
    assert (config.model.shift is not False and not config.model.name.startswith("tsn")) == (
        "TSM" in name
    )
    assert config.model.name.startswith("pa") == ("PA" in name.replace("PAN", ""))
    assert bool(config.model.causal) == ("causal" in name)
    assert ("RGB" in name) == (not config.model.name.startswith("pa_micro"))


def test_intervals_use_students_t(tmp_path):
    row = Row(Variant("any", "tsn_micro"), (0.8, 0.9, 1.0))
    low, high = row.interval
    # Mean 0.9, deviation 0.1: 4.3027 * 0.1 / sqrt(3) on each side, clipped at 1.
    assert low == pytest.approx(0.9 - 0.24841, abs=1e-5)
    assert high == 1.0
    assert Row(row.variant, (0.5,)).interval == (0.0, 1.0)
    record = json.loads(Ablation("motions", (row,)).to_json())
    assert record["rows"][0]["interval"] == [low, high]


@pytest.mark.parametrize("seeds", [(), (1, 1)], ids=["none", "twice"])
def test_invalid_seeds_are_refused(seeds, tmp_path):
    with pytest.raises(UserError, match="seeds"):
        ablate(seeds=seeds, folder=tmp_path)


def test_a_user_error_is_one_sentence(tmp_path):
    result = CliRunner().invoke(main, ["ablation", "absent", "--run", str(tmp_path)])
    assert result.exit_code == 2
    assert "absent" in result.output
    assert "Traceback" not in result.output
