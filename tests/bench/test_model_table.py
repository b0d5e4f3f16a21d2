"""The table of models matches the registry and the counts, as text and JSON."""

import keras
import pytest

from pan_keras import models
from pan_keras.bench.model_table import build_and_count, model_table, to_text
from pan_keras.errors import UserError
from pan_keras.models.cost import cost

CLIP = {"classes": 3, "segments": 4, "stack": 3, "size": 32}


@pytest.fixture(scope="module")
def rows():
    return model_table("*_micro", **CLIP)


def test_rows_are_the_models_that_match(rows):
    assert [row.name for row in rows] == models.names("*_micro")
    fields = [row.name.startswith("flow_") for row in rows]
    frames = (4, 3, 32, 32, 3)
    assert [row.input for row in rows] == [(4, 2, 32, 32, 2) if own else frames for own in fields]


def test_a_row_counts_what_the_model_with_its_weights_counts(rows):
    row = next(row for row in rows if row.name == "pan_lite_micro")
    assert row.cost == cost(models.create("pan_lite_micro", **CLIP))


def test_json_has_the_documented_keys(rows):
    row = rows[0].to_json()
    assert list(row) == ["name", "parameters", "macs", "input"]
    assert row["macs"] == rows[0].cost.macs
    full = rows[0].to_json(full=True)
    assert full["by_kind"]["BatchNormalization"]["needed_macs"] == 0
    assert full["needed_macs"] < full["macs"]


def test_text_has_a_line_per_model(rows):
    assert len(to_text(rows).splitlines()) == 1 + len(rows)
    assert "PersistenceOfAppearance" in to_text(model_table("pa_micro"), full=True)


def test_models_are_built_without_weights():
    filled = []

    def fill(shape, dtype=None):
        filled.append(shape)
        return keras.ops.zeros(shape, dtype)

    def make():
        dense = keras.layers.Dense(2, kernel_initializer=fill)
        return keras.Sequential([keras.Input((4,)), dense])

    assert build_and_count(make).parameters == 10
    cost(models.create("tsn_micro", **CLIP))
    assert filled == []
    make()
    assert filled == [(4, 2)]


def test_an_unknown_pattern_is_refused():
    with pytest.raises(UserError, match="list all with"):
        model_table("pan-lite*")


def test_clips_that_a_model_cannot_take_are_refused():
    with pytest.raises(UserError, match=r"pan_lite_micro: .*at least 2 segments"):
        model_table("pan_lite_micro", segments=1)
