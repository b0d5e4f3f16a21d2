"""`bench motion`: the paper's Tables I and II on one machine."""

import json

import numpy as np
import pytest

from pan_keras.bench.benchmark import Budget
from pan_keras.bench.case import Case, Work
from pan_keras.bench.frames import moving_frames
from pan_keras.bench.motion import METHODS, NETWORKS, measure_motion, motion_cases
from pan_keras.bench.motion_graphs import counts, graph_of, reference
from pan_keras.bench.results import Results
from pan_keras.errors import UserError

SMALL = Work(segments=2, stack=3, height=32, width=48)
ONE_ROUND = Budget(0.0, 1, 1)
CHEAP = ["pa", "difference", "vectors", "tvl1", "farneback", "dis_fast"]


@pytest.fixture(scope="module")
def results():
    return measure_motion(SMALL, threads=1, methods=CHEAP, quick=True, budget=ONE_ROUND)


def test_the_table_has_every_method_form_and_depth():
    cases = motion_cases(Work())
    assert {case.method for case in cases} == set(METHODS)
    forms = {(c.graph, c.precision, c.target) for c in cases if c.options.get("depth") == 1}
    assert forms >= {
        (graph, precision, "litert")
        for graph in ("plain", "fast")
        for precision in ("float32", "float16", "int8")
    }
    depths = {("pa", depth) for depth in (0, 1, 2, 4, 8)}
    for method, depth in {*depths, ("pa_e2", 1)}:
        plain = {
            (c.precision, c.target)
            for c in cases
            if (c.method, c.options.get("depth"), c.graph) == (method, depth, "plain")
        }
        assert plain >= {
            *((precision, "litert") for precision in ("float32", "float16", "int8")),
            *((precision, "onnxruntime") for precision in ("float32", "int8")),
            ("float32", "keras"),
        }
    assert {(c.method, c.target, c.precision) for c in cases if "pairwise" in c.options} == {
        *((network, target, "float32") for network in NETWORKS for target in ("keras", "litert")),
        ("flownet_s", "litert", "int8"),
    }
    assert all(c.error for c in cases if c.graph == "fast" and c.options["depth"] != 1)


@pytest.mark.slow
def test_every_method_is_measured_and_compared_with_tvl1(results):
    assert [(row.method, row.error) for row in results.rows if row.error] == []
    assert {row.method for row in results.rows} == set(CHEAP)
    for row in results.rows:
        assert row.ratio is not None
        assert row.pairs_per_second == pytest.approx(4000 / row.p50_ms, rel=1e-3)
        assert row.frames_per_second == pytest.approx(6000 / row.p50_ms, rel=1e-3)


@pytest.mark.slow
def test_a_flow_network_in_litert_gives_the_flow_of_keras():
    (network,) = measure_motion(
        Work(segments=1, stack=3, height=64, width=64),
        threads=1,
        methods=["flownet_c"],
        targets=["litert"],
        budget=ONE_ROUND,
    ).rows
    assert network.error is None
    assert network.snr_db > 90
    assert network.sampled in (0.5, 1.0)
    assert network.parameters == 39_175_298


@pytest.mark.slow
def test_pa_is_checked_against_the_layer(results):
    checked = [row for row in results.rows if row.method == "pa"]
    assert len(checked) == 6
    assert all(r.difference <= 1e-4 for r in checked if r.precision == "float32")
    assert all(r.snr_db > 10 for r in checked)


@pytest.mark.slow
def test_results_have_three_keys_and_the_names_that_scripts_rely_on(results):
    content = json.loads(json.dumps(results.to_json()))
    assert set(content) == {"machine", "work", "rows"}
    assert Results.from_json(content) == results
    named = {
        *("method", "graph", "precision", "target", "threads", "macs", "parameters"),
        *("pairs_per_second", "frames_per_second", "p50_ms", "p95_ms", "error"),
    }
    assert all(named <= set(row) for row in content["rows"])


@pytest.mark.parametrize(
    ("method", "depth", "macs", "parameters"),
    [("pa", 1, 2_867_658_752, 1184), ("pa_e2", 1, 2_883_715_072, 1184), ("pa", 0, 6_021_120, 0)],
)
def test_costs_are_those_of_table_i(method, depth, macs, parameters):
    case = Case(method, "keras", Work(), options={"depth": depth})
    assert counts(case) == {"macs": macs, "parameters": parameters}


def test_the_reference_is_the_distance_of_features_in_float64():
    case = Case("pa", "keras", SMALL, options={"depth": 1})
    (kernel, _bias) = graph_of(case).layers[-1].get_weights()
    frames = moving_frames(SMALL).astype("float64") / 255 / np.array([0.229, 0.224, 0.225])
    change = np.pad(frames[:, :-1] - frames[:, 1:], [(0, 0), (0, 0), (3, 3), (3, 3), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(change, (7, 7), axis=(2, 3))
    features = np.einsum("bthwcij,ijcf->bthwf", windows, kernel.astype("float64"))
    wanted = np.sqrt(((features + 1e-6) ** 2).sum(-1)).transpose(0, 2, 3, 1)
    np.testing.assert_allclose(reference(case), wanted, atol=1e-5)


def test_frames_move_and_are_the_same_each_time():
    frames = moving_frames(SMALL)
    assert frames.shape == (2, 3, 32, 48, 3)
    np.testing.assert_array_equal(frames, moving_frames(SMALL))
    changes = np.abs(np.diff(frames.astype(int), axis=1)).mean(axis=(2, 3, 4))
    assert (changes > 1).all()
    assert frames.std() > 20


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"methods": ["flow"]}, "method: 'flow' is not one of pa, pa_e2"),
        ({"targets": ["tpu"]}, "target: 'tpu' is not one of"),
        ({"methods": ["tvl1"], "targets": ["litert"]}, "tvl1 does not run on litert"),
    ],
)
def test_unknown_methods_and_targets_are_refused(options, sentence):
    with pytest.raises(UserError, match=sentence):
        measure_motion(SMALL, quick=True, **options)
