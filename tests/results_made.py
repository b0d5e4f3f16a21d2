"""Made-up benchmark results, for tests of tables and pages."""

from pan_keras.bench.case import Work
from pan_keras.bench.results import Results
from pan_keras.bench.row import Row

MACHINE = {
    "name": "Some CPU (x86_64)",
    "cores": 2,
    "versions": {"tensorflow": "2.21.0", "ai-edge-litert": "2.3.0"},
    "commit": "abc",
    "busy": True,
    "other_load": 0.5,
}


def timed(method, milliseconds, ratio=1.0, **fields):
    known = {"depth": None, "graph": "", "precision": "float32", "target": "opencv", "threads": 2}
    return Row(
        method,
        **{**known, **fields},
        pairs_per_second=40_000 / milliseconds,
        frames_per_second=48_000 / milliseconds,
        p5_ms=milliseconds,
        p50_ms=milliseconds,
        p95_ms=milliseconds,
        max_ms=milliseconds,
        ratio=ratio,
        ratio_low=ratio * 0.9,
        ratio_high=ratio * 1.1,
    )


def made_results():
    pa = {"depth": 1, "target": "litert", "macs": 2_867_658_752, "parameters": 1184}
    rows = (
        timed("tvl1", 4000.0),
        timed("dis_ultrafast", 10.0, 400.0),
        timed("pa", 50.0, 80.0, graph="plain", **pa),
        timed("pa", 40.0, 100.0, graph="fast", **pa),
        timed("pa", 20.0, 200.0, graph="fast", **{**pa, "precision": "int8"}),
        timed("pa", 30.0, 133.0, graph="plain", **{**pa, "depth": 0}),
        Row("flownet2", None, "", "float32", "keras", 2, error="a | reason"),
    )
    work = {"benchmark": "motion", **Work().to_json(), "baseline": "tvl1", "interrupted": False}
    return Results(MACHINE, work, rows)
