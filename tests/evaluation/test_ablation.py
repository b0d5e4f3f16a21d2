"""The comparison of networks: what it trains, what it writes, what it reads again."""

import csv
import json

import pytest
from click.testing import CliRunner

from pan_keras.cli import main
from pan_keras.errors import UserError
from pan_keras.evaluation.ablation import CUES, PARTS, Ablation, Row, Variant, ablate
from pan_keras.training import resolve

TINY = (
    "model.segments=2",
    "model.stack=2",
    "model.size=32",
    "model.resize=36",
    "training.epochs=1",
)


def test_a_comparison_is_written_and_read_again(tmp_path):
    lines = []
    chosen = {"variants": PARTS[-1:], "seeds": (1, 2), "clips": 48, "folder": tmp_path}
    first = ablate(overrides=TINY, progress=lines.append, **chosen)
    assert len(lines) == 2
    assert [len(row.accuracies) for row in first.rows] == [2]
    with (tmp_path / "results.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["network"] for row in rows] == [variant.name for variant in PARTS[-1:]]
    assert (tmp_path / "results.md").read_text(encoding="utf-8") == first.to_markdown()

    models = sorted(path.stat().st_mtime_ns for path in tmp_path.rglob("model.keras"))
    again = ablate(overrides=TINY, **chosen)
    assert again == first
    assert sorted(path.stat().st_mtime_ns for path in tmp_path.rglob("model.keras")) == models

    with pytest.raises(UserError, match="other settings"):
        ablate(overrides=[*TINY, "training.batch=4"], **chosen)


@pytest.mark.parametrize("variant", [*PARTS, *CUES], ids=lambda variant: variant.name)
def test_a_variant_says_what_it_trains(variant, tmp_path):
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


def test_intervals_are_of_student(tmp_path):
    row = Row(Variant("any", "tsn_micro"), (0.8, 0.9, 1.0))
    low, high = row.interval
    # Mean 0.9, deviation 0.1: 4.3027 * 0.1 / sqrt(3) to each side, cut at 1.
    assert low == pytest.approx(0.9 - 0.24841, abs=1e-5)
    assert high == 1.0
    assert Row(row.variant, (0.5,)).interval == (0.0, 1.0)
    record = json.loads(Ablation("motions", (row,)).to_json())
    assert record["rows"][0]["interval"] == [low, high]


@pytest.mark.parametrize("seeds", [(), (1, 1)], ids=["none", "twice"])
def test_seeds_that_make_no_sense_are_refused(seeds, tmp_path):
    with pytest.raises(UserError, match="seeds"):
        ablate(seeds=seeds, folder=tmp_path)


def test_a_mistake_is_one_sentence(tmp_path):
    result = CliRunner().invoke(main, ["ablation", "absent", "--run", str(tmp_path)])
    assert result.exit_code == 2
    assert "absent" in result.output
    assert "Traceback" not in result.output
