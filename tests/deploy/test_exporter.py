"""Exported files match the trained model, or nothing is written."""

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from exports import FLOAT, LENIENT, contents

from pan_keras.data import Clip, open_data
from pan_keras.deploy import export, exporter, load_recipe
from pan_keras.deploy.clips import ExportClips
from pan_keras.errors import UserError
from pan_keras.evaluation import evaluate
from pan_keras.input import FrameStore, clip_views
from pan_keras.runs.run import Run
from pan_keras.runtime import verify


def test_a_run_becomes_a_bundle_in_float_and_int8(run, exported):
    assert exported.path == run.path / "bundle"
    assert set(contents(exported.path)) == {
        "MODEL_CARD.md",
        "model.json",
        "model_float32.tflite",
        "model_int8.tflite",
        "preview.png",
        "vectors/clip_0.u8",
        "vectors/clip_1.u8",
        "vectors/clip_2.u8",
        "vectors/index.json",
        "vectors/model_float32.tflite.f32",
        "vectors/model_int8.tflite.f32",
    }
    assert exported.labels == run.labels
    assert exported.shape == run.shape
    assert not any(finding.problems for finding in verify(exported.path))


def test_the_facts_describe_the_checks(run, exported):
    facts = exported.facts
    calibration = facts["calibration"]
    assert (calibration["clips"], calibration["videos"], calibration["classes"]) == (96, 16, 8)
    assert "training clips drawn with a seed" in calibration["rule"]
    float32, int8 = facts["artefacts"]
    assert float32["parity"]["clips"] == 32
    assert float32["parity"]["difference"] <= 1e-4
    assert float32["parity"]["edge_difference"] <= 1e-4
    assert float32["parity"]["agreement"] == float32["accuracy"]["agreement"] == 1
    assert int8["bytes"] < float32["bytes"]
    assert int8["quantisation"]["float_ops"]
    assert facts["source"]["settings"]["model"]["name"] == "pan_lite_micro"
    assert facts["source"]["data"]["source"] == "motions"
    assert facts["sampling"]["frame_rate"] > 0
    card = (exported.path / "MODEL_CARD.md").read_text()
    assert f"| model_int8.tflite | weights and arithmetic in 8 bits | {int8['bytes']:,} |" in card
    assert facts["licence"]["data"] in card


def test_a_bundle_names_no_path_no_host_and_no_user(own_run, tmp_path, monkeypatch):
    home = tmp_path / "home" / "Zaphod.Beeblebrox"
    monkeypatch.setattr("socket.gethostname", lambda: "heart-of-gold")
    monkeypatch.setattr("platform.node", lambda: "heart-of-gold")
    monkeypatch.setattr("platform.platform", lambda: "Linux-6.1-heart-of-gold-x86_64")
    home.mkdir(parents=True)
    motions, videos = own_run.config.data.root, home / "videos"
    shutil.copytree(motions, videos)
    run = Run(own_run.path.rename(home / "mine"))
    text = (run.path / "config.toml").read_text()
    text = text.replace('"motions"', f'"{videos}"', 1)
    text = text.replace(motions, "")
    text = text.replace('weights = "none"', f'weights = "{home}/first/model.keras"')
    run.write("config.toml", text)
    run = Run(run.path)
    assert run.config.data.source == str(videos)
    assert run.config.model.weights.startswith(str(home))
    run.write("labels.txt", "\n".join(open_data(videos).classes) + "\n")
    wanted = {"formats": ["tflite", "onnx"], "precisions": ["float32", "int8"]}
    bundle = export(
        run.path,
        calibration=videos,
        output=home / "out" / "bundle",
        overrides=LENIENT | {"export": wanted},
    )
    assert bundle.facts["source"]["settings"]["model"]["weights"] == "model.keras"
    assert bundle.facts["source"]["run"] == "mine"
    assert bundle.facts["calibration"]["data"] == bundle.facts["source"]["data"]["source"]
    assert bundle.facts["artefacts"][0]["accuracy"]["data"] == "videos"
    told = [*tmp_path.parts[1:], "Zaphod", "Beeblebrox", "heart-of-gold", "/videos", "6.1-"]
    found = contents(bundle.path)
    assert len(found) > 10
    for name, content in found.items():
        for part in told:
            for encoding in ("utf-8", "utf-16-le"):
                assert part == "tmp" or part.encode(encoding) not in content, (name, part)
    assert not any(finding.problems for finding in verify(bundle.path))


def test_int8_is_calibrated_on_the_calibration_clips(monkeypatch):
    given = []

    def convert(model, precision, calibration, **options):
        given.append(calibration)

    monkeypatch.setattr(exporter, "converter", lambda file_format: convert)
    clips = ExportClips(calibration=["to calibrate"], check=["to check"], data="", videos=None)
    source = SimpleNamespace(name="source", model=None)
    exporter.convert(source, load_recipe(), clips, lambda what: None)
    assert given == [["to calibrate"]] * 2


def test_a_folder_with_foreign_content_is_not_replaced(own_run, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.tex").write_text("...")
    with pytest.raises(UserError, match="something other than a bundle"):
        export(own_run.path, overrides=FLOAT, output=precious)
    assert contents(precious) == {"thesis.tex": b"..."}


def test_a_model_alone_is_exported_with_clips_that_are_given(run, tmp_path):
    model, file = run.load_model(), tmp_path / "alone.keras"
    model.save(file)
    store = FrameStore(resize=run.shape.resize)
    videos = open_data("motions", run.config.data.root).clips("train")[:32]
    clips = [clip_views(Clip(each.path, 0, "train"), run.shape, store)[0] for each in videos]
    with pytest.raises(UserError, match="with -o"):
        export(file, calibration=clips)
    with pytest.raises(UserError, match="31 clips to compare on, fewer than 32"):
        export(file, calibration=clips[1:], output=tmp_path / "bundle")
    with pytest.raises(UserError, match="name videos with --calibration"):
        export(file, output=tmp_path / "bundle")

    bundle = export(file, calibration=clips, output=tmp_path / "bundle", overrides=FLOAT)
    assert bundle.labels == tuple("01234567")
    assert bundle.facts["source"]["data"] is None
    assert bundle.facts["reference"]["accuracy"] is None
    assert "Accuracy was not measured" in (bundle.path / "MODEL_CARD.md").read_text()
    with pytest.raises(UserError, match="does not record its data"):
        evaluate(bundle.path, progress=False)


TO_EXPORT = """
import sys
from pan_keras.deploy import export

export(sys.argv[1], output=sys.argv[2], overrides={"export": {
    "precisions": ["float32"], "evaluate": "none"}})
"""


def test_two_processes_export_into_one_folder(own_run, tmp_path):
    """The bundle is complete, and no other files are left beside it."""
    folder = tmp_path / "exported" / "bundle"
    program = [sys.executable, "-c", TO_EXPORT, str(own_run.path), str(folder)]
    processes = [
        subprocess.Popen(program, stderr=subprocess.PIPE, cwd=Path(__file__).parents[2])
        for _ in range(2)
    ]
    try:
        for process in processes:
            _, errors = process.communicate(timeout=300)
            assert process.returncode == 0, errors.decode()
    finally:
        for process in processes:
            process.kill()
    assert not any(finding.problems for finding in verify(folder))
    assert list(folder.parent.iterdir()) == [folder]


def test_a_bundle_is_not_exported_again(exported):
    with pytest.raises(UserError, match="already an exported bundle"):
        export(exported.path)


def test_every_format_and_precision_is_exported_for_clips_and_steps(live):
    assert [entry.file for entry in live.entries] == [
        "model_float32.tflite",
        "step_float32.tflite",
        "model_int8.tflite",
        "step_int8.tflite",
        "model_float32.onnx",
        "step_float32.onnx",
        "model_int8.onnx",
        "step_int8.onnx",
    ]
    assert not any(finding.problems for finding in verify(live.path))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"overrides": {"export": {"streaming": True}}}, "train with model.causal=true to stream"),
        ({"overrides": {"export": {"formats": ["onnx"], "precisions": ["float16"]}}}, "precisions"),
        ({"recipe": "fast"}, "the recipes are default"),
        ({"output": "precious"}, "something other than a bundle"),
        ({"output": "precious/thesis.tex"}, "a file is in the way"),
        ({"output": "empty/link"}, "would be overwritten"),
    ],
)
def test_models_that_cannot_be_exported_are_refused_before_videos_are_opened(
    own_run, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.tex").write_text("...")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "link").symlink_to(own_run.path / "bundle")
    if "would be" in message:
        # The run's data are in a folder that looks like a bundle.
        text = (own_run.path / "config.toml").read_text()
        data = own_run.config.data
        assert data.root in text
        own_run.write("config.toml", text.replace(data.root, str(own_run.path / "bundle")))
        own_run = Run(own_run.path)

    def opened(*_):
        raise AssertionError("data were opened")

    monkeypatch.setattr(exporter, "export_clips", opened)
    with pytest.raises(UserError, match=message):
        export(own_run.path, **arguments)
