"""Measuring bundles on a device through adb, here a real program that follows a script."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pan_keras.bench import adb as bridge
from pan_keras.bench.adb import Adb, Battery
from pan_keras.bench.results import Results
from pan_keras.bench.targets import android
from pan_keras.bench.targets.android import measure_on_android
from pan_keras.bundle import Bundle
from pan_keras.cli import main
from pan_keras.errors import UserError
from pan_keras.runtime import open_verified

BUNDLE = Path(__file__).parents[1] / "golden" / "before" / "schema2" / "bundle"
ADB = Path(__file__).with_name("scripted_adb.py")
PROPERTIES = {
    "ro.product.manufacturer": "Maker",
    "ro.product.model": "Phone 7",
    "ro.build.version.release": "14",
    "ro.build.version.sdk": "34",
    "ro.soc.manufacturer": "Silicon",
    "ro.soc.model": "S700",
}
BATTERY = """Current Battery Service state:
  AC powered: false
  USB powered: {usb}
  Wireless powered: false
  Charge counter: {charge}
  status: 3
  level: 84
  voltage: 4000
  temperature: {tenths}
  technology: Li-ion
"""
ROW = {
    "method": "small",
    "graph": "fast",
    "precision": "int8",
    "target": "android",
    "backend": "tensorflow-lite",
    "device": "cpu",
    "threads": 2,
    "batch": 1,
    "macs": None,
    "parameters": None,
    "pairs_per_second": 400.0,
    "frames_per_second": 800.0,
    "p50_ms": 10.0,
    "p90_ms": 11.0,
    "p95_ms": 12.0,
    "milliseconds": {"preprocess": 3.0, "run": 9.0},
    "difference": 0.1,
    "facts": {"file": "model_int8.tflite", "xnnpack": True},
    "error": None,
}
WRITTEN = {
    "machine": {"name": "maker", "cores": 8, "versions": {"tensorflow-lite": "2.16.1"}},
    "work": {
        "benchmark": "model",
        "segments": 4,
        "stack": 2,
        "size": [24, 32],
        "batch": 1,
        "frames": 8,
        "pairs": 4,
    },
    "rows": [ROW],
}
BINARY = """INFO: STARTING!
INFO: Graph: [model.tflite]
INFO: count=37 first=14744 curr=15520 min=13164 max=18295 avg=13764.3 std=967

INFO: Running benchmark for at least 50 iterations
INFO: count=74 first=14850 curr=13315 min=13105 max=15765 avg=13520.2 std=470{more}

INFO: Inference timings in us: Init: 12750, First inference: 14744, Inference (avg): 13520.2
"""


@pytest.fixture
def phone(tmp_path, monkeypatch):
    """Returns a function that scripts adb and gives the folder of the phone."""
    place = tmp_path / "adb"
    (place / "phone").mkdir(parents=True)
    program = tmp_path / "bin" / "adb"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "{ADB}" "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SCRIPTED_ADB", str(place))
    monkeypatch.setattr(android, "POLL", 0.0)
    # Verification takes a second; one test runs it unchanged.
    monkeypatch.setattr(android, "open_verified", Bundle.open)

    def script(**changes):
        states = [BATTERY.format(usb="false", charge=2_000_000, tenths=301)]
        states.append(BATTERY.format(usb="false", charge=1_990_000, tenths=334))
        known = {
            "devices": {"A1": "device"},
            "serial": "A1",
            "installed": True,
            "polls": 2,
            "properties": PROPERTIES,
            "battery": states,
            "results": json.dumps(WRITTEN),
            "binary": "",
            "faults": {},
        }
        (place / "script.json").write_text(json.dumps(known | changes))
        return place

    return script


def calls(place):
    lines = (place / "calls.jsonl").read_text().splitlines()
    return [" ".join(json.loads(line)) for line in lines]


def test_the_app_measures_a_bundle_and_its_results_follow_the_schema(phone):
    place = phone()
    results = measure_on_android(BUNDLE, precisions=["int8"], threads=[1, 2])
    (row,) = Results.from_json(json.loads(json.dumps(results.to_json()))).rows
    assert (row.target, row.precision, row.threads, row.p50_ms) == ("android", "int8", 2, 10.0)
    assert row.parameters > 0
    assert results.machine["versions"] == {"tensorflow-lite": "2.16.1"}
    assert "small android fast int8" in results.to_text()
    assert json.loads((place / "extras.json").read_text()) == {
        "bundle": "/data/local/tmp/pan-keras-bench/bundle",
        "out": "pan-keras-bench.json",
        "threads": "1,2",
        "precision": "int8",
    }
    lines = calls(place)
    started = next(number for number, line in enumerate(lines) if "am start" in line)
    assert "-n pan.demo/.BenchmarkActivity --es bundle /data/local/tmp/" in lines[started]
    # The app runs as another user, and an old file would be mistaken for its results.
    assert "-s A1 shell chmod -R a+rX /data/local/tmp/pan-keras-bench" in lines[:started]
    written = "/sdcard/Android/data/pan.demo/files/pan-keras-bench.json"
    assert f"-s A1 shell rm -f {written}" in lines[:started]


def test_the_device_is_described_without_its_serial_number(phone):
    phone()
    machine = measure_on_android(BUNDLE).machine
    assert (machine["name"], machine["soc"]) == ("Maker Phone 7", "Silicon S700")
    assert machine["platform"] == "Android 14, API 34"
    assert "A1" not in json.dumps(machine)


def test_before_android_12_the_board_is_reported_as_soc(phone):
    old = {name: text for name, text in PROPERTIES.items() if "soc" not in name}
    phone(properties=old | {"ro.board.platform": "s700"})
    assert measure_on_android(BUNDLE).machine["soc"] == "s700"


def test_energy_is_reported_for_an_unplugged_device(phone):
    phone()
    machine = measure_on_android(BUNDLE).machine
    assert (machine["battery_celsius_before"], machine["battery_celsius_after"]) == (30.1, 33.4)
    assert machine["unplugged"] is True
    # 10 mAh are 36 coulombs, at 4 volts.
    assert machine["energy_joules"] == 144.0


@pytest.mark.parametrize(
    "battery",
    [
        BATTERY.format(usb="true", charge=2_000_000, tenths=300),
        BATTERY.format(usb="false", charge=0, tenths=300),
        "no such service\n",
    ],
)
def test_no_energy_is_reported_while_charging_or_without_a_counter(phone, battery):
    phone(battery=[battery])
    assert measure_on_android(BUNDLE).machine["energy_joules"] is None


def test_energy_needs_all_counters():
    full = Battery(30.0, True, 2_000_000, 4.0)
    assert Battery(30.0, True, 1_999_000, 3.0).joules_since(full) == pytest.approx(12.6)
    assert Battery(30.0, True, 2_000_001, 4.0).joules_since(full) is None
    assert Battery(30.0, False, 1_000, 4.0).joules_since(full) is None
    assert Battery(30.0, True, 1_000, None).joules_since(full) is None


def test_files_are_removed_from_the_device(phone):
    for faults in ({}, {"am": "Activity class does not exist."}):
        place = phone(faults=faults)
        try:
            measure_on_android(BUNDLE)
        except UserError:
            assert faults
        left = [path for path in (place / "phone").rglob("*") if path.is_file()]
        assert left == []
        assert "-s A1 shell am force-stop pan.demo" in calls(place)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"devices": {}}, "adb: no device is connected; connect a phone"),
        ({"devices": {"A1": "device", "B2": "device"}}, "adb: A1, B2 are connected; choose one"),
        ({"devices": {"A1": "unauthorized"}}, "A1 is unauthorized; allow USB debugging"),
        ({"devices": {"A1": "offline"}}, "A1 is offline; reconnect it"),
        ({"installed": False}, "the demo app is not installed on A1; run make apk"),
        ({"faults": {"am": "no such activity"}}, "does not start (Error: no such activity)"),
        ({"faults": {"push": "no space left"}}, "A1: push failed: adb: error: no space left"),
        ({"faults": {"dead": True}, "polls": 10**9}, "the app stopped without results"),
        ({"results": "{broken"}, "the results of the app cannot be read ("),
        ({"results": "[]"}, "what the app wrote: does not follow the schema of results ("),
        ({"results": "{}"}, "what the app wrote: does not follow the schema of results ("),
        ({"results": '{"error": "no model"}'}, "the app could not measure: no model"),
    ],
)
def test_each_error_is_one_sentence(phone, changes, sentence):
    phone(**changes)
    with pytest.raises(UserError) as raised:
        measure_on_android(BUNDLE)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_waiting_for_results_has_a_time_limit(phone):
    phone(polls=10**9)
    with pytest.raises(UserError, match="gave no results in time"):
        measure_on_android(BUNDLE, seconds=1.0)


def test_a_device_that_does_not_respond_times_out(phone, monkeypatch):
    monkeypatch.setattr(bridge, "ANSWER", 1.0)
    phone(faults={"hangs": "getprop"})
    with pytest.raises(UserError, match="no answer within 1 s"):
        Adb().shell("getprop", seconds=1.0)


def test_one_of_several_devices_is_chosen_by_its_serial_number(phone):
    phone(devices={"A1": "device", "B2": "device"}, serial="B2")
    assert measure_on_android(BUNDLE, serial="B2").rows
    with pytest.raises(UserError, match="no device has the serial number C3; there is A1, B2"):
        Adb("C3")


def test_adb_that_is_not_installed_is_named(phone, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(UserError, match="adb: not found; install Android's platform tools"):
        Adb()


def test_a_damaged_bundle_is_not_measured(phone, tmp_path, monkeypatch):
    monkeypatch.setattr(android, "open_verified", open_verified)
    place = phone()
    damaged = shutil.copytree(BUNDLE, tmp_path / "bundle")
    file = damaged / "preview.png"
    file.write_bytes(file.read_bytes() + b"?")
    with pytest.raises(UserError, match="fails its verification"):
        measure_on_android(damaged)
    assert not (place / "calls.jsonl").exists()


@pytest.mark.parametrize(
    ("more", "median", "note"),
    [
        ("", 13.5202, "mean, since this benchmark_model prints no median"),
        (" p5=13110 median=13400 p95=14200", 13.4, ""),
    ],
)
def test_the_given_binary_runs_every_tflite_file(phone, tmp_path, more, median, note):
    phone(installed=False, binary=BINARY.format(more=more))
    binary = tmp_path / "benchmark_model"
    binary.write_text("for the device")
    results = measure_on_android(BUNDLE, binary=binary, threads=[1, 4])
    rows = Results.from_json(json.loads(json.dumps(results.to_json()))).rows
    files = sorted(file.name for file in BUNDLE.glob("*.tflite"))
    assert sorted(row.facts["file"] for row in rows) == sorted(2 * files)
    assert {row.threads for row in rows} == {1, 4}
    assert {(row.p50_ms, row.samples, row.max_ms, row.note) for row in rows} == {
        (median, 74, 15.765, note)
    }
    clip, step = (next(row for row in rows if row.graph == form) for form in ("fast", "step"))
    assert clip.frames_per_second == pytest.approx(4 * step.frames_per_second)


def test_a_binary_that_is_missing_or_prints_no_times_is_named(phone, tmp_path):
    phone(binary="not executable: 64-bit ELF file\n")
    with pytest.raises(UserError, match="no such file; name a benchmark_model"):
        measure_on_android(BUNDLE, binary=tmp_path / "none")
    (tmp_path / "some").write_text("")
    with pytest.raises(UserError, match="printed no times; use one built for this device"):
        measure_on_android(BUNDLE, binary=tmp_path / "some")


def test_the_command_prints_results_and_exits_with_2_on_mistakes(phone):
    phone()
    command = ["bench", "model", str(BUNDLE), "--target", "android", "--json"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["rows"][0]["target"] == "android"
    for more, sentence in (
        (["--target", "litert"], "leave out other targets"),
        (["--batch", "2"], "leave out other targets"),
        (["--precision", "float16"], "has no model in float16"),
    ):
        done = CliRunner().invoke(main, command + more)
        assert done.exit_code == 2
        assert sentence in done.stderr
    done = CliRunner().invoke(main, ["bench", "model", str(BUNDLE), "--serial", "A1"])
    assert done.exit_code == 2
    assert "need --target android" in done.stderr
