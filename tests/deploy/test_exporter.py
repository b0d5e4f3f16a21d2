"""What was trained is what ships, or nothing ships."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from run_folders import untrained_run

from pan_keras.bundle.description import summary
from pan_keras.cli import main
from pan_keras.data import Clip, open_data
from pan_keras.deploy import export, exporter, load_recipe
from pan_keras.deploy.artefact import Artefact, StateTensor
from pan_keras.deploy.clips import ExportClips
from pan_keras.deploy.gate import gate
from pan_keras.deploy.gate.candidate import Candidate
from pan_keras.deploy.gate.signal_to_noise import worst_tensors
from pan_keras.errors import UserError
from pan_keras.evaluation import evaluate
from pan_keras.input import FrameStore, clip_views
from pan_keras.runs.run import Run
from pan_keras.runtime import Bundle, Recogniser, verify
from pan_keras.runtime.preprocessing import clip_from_video

# Of a network that learnt nothing int8 may keep what it likes; float32 stays exact.
LENIENT = {"int8": {"drop": 100.0, "agreement": 0.0, "cosine": -1.0}}
INT8 = {"export": {"precisions": ["int8"], "evaluate": "none"}}
FLOAT = {"export": {"precisions": ["float32"], "evaluate": "none"}}


@pytest.fixture(scope="module")
def exported(run):
    """The bundle of `run`: TFLite, float32 and int8."""
    return export(run.path, overrides=LENIENT)


@pytest.fixture
def own_run(run, exported, tmp_path):
    """A copy of the exported run, which a test may export again."""
    return Run(shutil.copytree(run.path, tmp_path / "run"))


def contents(folder):
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


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


def test_the_facts_tell_what_was_checked(run, exported):
    facts = exported.facts
    calibration = facts["calibration"]
    assert (calibration["clips"], calibration["videos"], calibration["classes"]) == (96, 16, 8)
    assert "training clips drawn by a seed" in calibration["rule"]
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


def test_a_bundle_away_from_its_run_asks_for_the_data_unless_they_have_a_card(
    exported, tmp_path, monkeypatch
):
    away = shutil.copytree(exported.path, tmp_path / "away")
    facts = json.loads((away / "model.json").read_text())
    (tmp_path / "videos" / "left").mkdir(parents=True)  # other videos of this name
    monkeypatch.chdir(tmp_path)
    facts["source"]["data"]["source"] = "videos"
    (away / "model.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match="says nothing of its data; name them"):
        evaluate(away, progress=False)


def test_a_video_gets_the_logits_of_the_keras_model(run, exported):
    model = run.load_model()
    recogniser = Recogniser(exported, threads=2)
    for clip in open_data("motions", run.config.data.root).clips("test")[:3]:
        views = clip_views(clip, run.shape, FrameStore(resize=run.shape.resize))
        expected = keras.ops.convert_to_numpy(model(views))[0]
        found = recogniser.recognise(clip.path).logits
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_bundle_is_evaluated_as_a_run_is(run, exported, tmp_path):
    of_run = evaluate(run.path, output=tmp_path, progress=False)
    before = contents(exported.path)
    for precision in ("float32", "int8"):
        arguments = ["evaluate", str(exported.path), "--precision", precision, "--json"]
        result = CliRunner().invoke(main, arguments, catch_exceptions=False)
        record = json.loads(result.stdout)
        assert record.keys() == json.loads(of_run.to_json()).keys()
        entry = exported.choose(precision)
        assert record["top1"] == entry.facts["accuracy"]["top1"]
        assert record["clips"] == of_run.clips
    assert exported.choose("float32").facts["accuracy"]["top1"] == of_run.top1
    assert contents(exported.path) == before


def test_a_bundle_and_a_run_are_fused(run, exported, tmp_path):
    fused = evaluate([run.path, exported.path], output=tmp_path, progress=False)
    alone = evaluate(run.path, output=tmp_path, progress=False)
    assert fused.top1 == alone.top1


def test_a_bundle_predicts(run, exported):
    clip = open_data("motions", run.config.data.root).clips("test")[0]
    arguments = ["predict", str(clip.path), "--precision", "int8", "--json", "--crops", "3"]
    arguments.insert(1, str(exported.path))
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    probabilities = [guess["probability"] for guess in json.loads(result.stdout)["predictions"]]
    assert sorted(probabilities, reverse=True) == probabilities


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--crops", "full"], "the size of an exported model is fixed"),
        (["--precision", "float16"], "holds no float16 model"),
        (["--format", "onnx"], "holds no onnx model"),
    ],
)
def test_what_a_bundle_cannot_do_is_one_sentence(exported, arguments, message):
    result = CliRunner().invoke(main, ["evaluate", str(exported.path), *arguments])
    assert result.exit_code == 2
    assert message in result.output


def test_a_run_has_no_precisions(run):
    result = CliRunner().invoke(main, ["evaluate", str(run.path), "--precision", "int8"])
    assert result.exit_code == 2
    assert "a run has one model" in result.output


def test_int8_beyond_the_limit_is_refused_and_the_earlier_bundle_stays(own_run):
    before = contents(own_run.path / "bundle")
    strict = INT8 | {"int8": {"difference": 0.0}}
    with pytest.raises(UserError, match=r"model_int8\.tflite: a logit is off .* dB\)") as caught:
        export(own_run.path, overrides=strict)
    assert "nothing was written" in str(caught.value)
    assert contents(own_run.path / "bundle") == before
    assert not list(own_run.path.glob(".bundle*"))


@pytest.fixture
def knowing(monkeypatch):
    """The Keras model is right on every clip; `change` alters the logits of the others."""
    measure = gate.split_logits

    def having(change):
        def split_logits(models, *arguments):
            logits, _ = measure(models, *arguments)
            before = logits[""]
            changed = {name: change(name, found) for name, found in logits.items() if name}
            return {"": before, **changed}, before.argmax(-1)

        monkeypatch.setattr(gate, "split_logits", split_logits)

    return having


def test_int8_that_loses_accuracy_is_refused(own_run, knowing):
    knowing(lambda name, found: np.roll(found, 1, axis=-1) if "int8" in name else found)
    with pytest.raises(UserError, match=r"0\.0%, 100\.0 points below .* more than 1; nothing was"):
        export(own_run.path, overrides={"int8": LENIENT["int8"] | {"drop": 1.0}})


def test_float32_that_changes_a_class_of_the_split_is_refused(own_run, knowing):
    def second_becomes_first(name, found):
        changed = found.copy()
        first, second = changed[0].argsort()[[-1, -2]]
        changed[0, [first, second]] = changed[0, [second, first]]
        return changed

    knowing(second_becomes_first)
    with pytest.raises(UserError, match=r"a logit on test is off by"):
        export(own_run.path, overrides={"export": {"precisions": ["float32"]}})
    loose = {"export": {"precisions": ["float32"]}, "float32": {"difference": 1e3}}
    with pytest.raises(UserError, match=r"of test keep their most probable class"):
        export(own_run.path, overrides=loose)


def test_a_loss_that_may_be_chance_is_said_and_written_down(own_run, knowing, tmp_path):
    def one_lost(name, found):
        # Ten times as large, so that it is further off than int8 is on any edge input.
        return np.concatenate([10 * np.roll(found[:1], 1, axis=-1), found[1:]])

    knowing(one_lost)
    said = []
    bundle = export(
        own_run.path,
        output=tmp_path / "bundle",
        overrides=INT8
        | {"export": {"precisions": ["int8"]}, "int8": LENIENT["int8"] | {"drop": 1}},
        tell=said.append,
    )
    accuracy = bundle.facts["artefacts"][0]["accuracy"]
    assert (accuracy["paired"]["lost"], accuracy["paired"]["gained"]) == (1, 0)
    assert "12.5 points below the Keras model's, more than 1; but 1 clips lost" in accuracy["doubt"]
    assert f"model_int8.tflite: {accuracy['doubt']}" in said
    card = (bundle.path / "MODEL_CARD.md").read_text()
    assert f"## In doubt\n\n* model_int8.tflite: {accuracy['doubt']}." in card
    assert accuracy["doubt"] in summary(bundle)
    # The largest difference is on the measured clips here, and it is the one that is told.
    assert accuracy["difference"] > bundle.facts["artefacts"][0]["parity"]["difference"]
    assert f"| {accuracy['difference']:.2g} |" in card
    assert f" {accuracy['difference']:.2g} " in summary(bundle)


def test_int8_is_calibrated_by_the_clips_for_it(monkeypatch):
    given = []

    def convert(model, precision, calibration, **options):
        given.append(calibration)

    monkeypatch.setattr(exporter, "converter", lambda file_format: convert)
    clips = ExportClips(calibration=["to calibrate"], check=["to check"], data="", videos=None)
    source = SimpleNamespace(name="source", model=None)
    exporter.convert(source, load_recipe(), clips, lambda what: None)
    assert given == [["to calibrate"]] * 2


def test_float32_of_another_model_is_refused(own_run, monkeypatch):
    convert = exporter.converter("tflite")

    def wrong(model, precision, **options):
        model.get_layer("logits").bias.assign_add(keras.ops.ones(8) * np.arange(8) / 10)
        return convert(model, precision, **options)

    monkeypatch.setattr(exporter, "converter", lambda file_format: wrong)
    with pytest.raises(UserError, match=r"model_float32\.tflite: a logit is off by 0\.7"):
        export(own_run.path, overrides=FLOAT)


def test_a_folder_of_something_else_is_not_swept_away(own_run, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.tex").write_text("...")
    with pytest.raises(UserError, match="something else than a bundle"):
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
    with pytest.raises(UserError, match="name videos by --calibration"):
        export(file, output=tmp_path / "bundle")

    bundle = export(file, calibration=clips, output=tmp_path / "bundle", overrides=FLOAT)
    assert bundle.labels == tuple("01234567")
    assert bundle.facts["source"]["data"] is None
    assert bundle.facts["reference"]["accuracy"] is None
    assert "Accuracy was not measured" in (bundle.path / "MODEL_CARD.md").read_text()
    with pytest.raises(UserError, match="says nothing of its data"):
        evaluate(bundle.path, progress=False)


TO_EXPORT = """
import sys
from pan_keras.deploy import export

export(sys.argv[1], output=sys.argv[2], overrides={"export": {
    "precisions": ["float32"], "evaluate": "none"}})
"""


def test_two_processes_export_into_one_folder(own_run, tmp_path):
    """Each is whole when it is there, and nothing is left beside."""
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


def test_the_command_exports_the_latest_run(own_run, tmp_path, monkeypatch):
    shutil.rmtree(own_run.path / "bundle")
    (tmp_path / "runs").mkdir()
    own_run.path.rename(tmp_path / "runs" / "mine")
    monkeypatch.chdir(tmp_path)
    arguments = ["export", "--tflite", "--precision", "float32", "--json"]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    record = json.loads(result.stdout)
    assert record["bundle"] == "runs/mine/bundle"
    assert [entry["file"] for entry in record["artefacts"]] == ["model_float32.tflite"]
    assert record["artefacts"][0]["accuracy"]["split"] == "test"
    assert Bundle.open(tmp_path / "runs" / "mine" / "bundle").facts["name"] == record["name"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent"], "absent: not a run folder"),
        (["absent.keras"], "no such file"),
        ([], "no run in it"),
        (["--precision", "int4"], "'int4' is none of float32, float16, dynamic, int8"),
    ],
)
def test_a_mistake_is_one_sentence(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["export", *arguments])
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_is_not_exported_again(exported):
    with pytest.raises(UserError, match="exported already"):
        export(exported.path)


@pytest.fixture(scope="module")
def live(tmp_path_factory, run):
    """A bundle of a network whose shift looks back alone: both formats, clips and steps."""
    folder = tmp_path_factory.mktemp("live") / "run"
    causal = untrained_run(folder, run.config.data.root, "model.causal=true", sureness=1000)
    wanted = {"formats": ["tflite", "onnx"], "streaming": True, "evaluate": "none"}
    return export(causal.path, overrides=LENIENT | {"export": wanted})


def test_every_format_and_precision_is_there_as_clip_and_as_step(live):
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


@pytest.mark.parametrize("file_format", ["tflite", "onnx"])
def test_after_all_segments_of_a_clip_a_stream_answers_as_for_the_clip(live, run, file_format):
    recogniser = Recogniser(live, precision="float32", file_format=file_format)
    clip = open_data("motions", run.config.data.root).clips("test")[0]
    frames = clip_from_video(clip.path, live.shape)
    for _ in range(2):
        recogniser.reset()
        answers = [recogniser.step(segment) for segment in frames]
        np.testing.assert_allclose(
            answers[-1].logits, recogniser.recognise(frames).logits, atol=1e-4
        )
        assert not np.allclose(answers[0].logits, answers[-1].logits, atol=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--streaming", "--precision", "float32"], "train with model.causal=true to stream"),
        (["--onnx", "--precision", "float16"], "onnx has the precisions float32, int8"),
        (["--recipe", "fast"], "the recipes are default"),
        (["--calibration", "absent"], "no folder, CSV file or data set name"),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(own_run, arguments, message):
    result = CliRunner().invoke(main, ["export", str(own_run.path), *arguments])
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"overrides": {"export": {"streaming": True}}}, "train with model.causal=true to stream"),
        ({"overrides": {"export": {"formats": ["onnx"], "precisions": ["float16"]}}}, "precisions"),
        ({"recipe": "fast"}, "the recipes are default"),
        ({"output": "precious"}, "something else than a bundle"),
        ({"output": "precious/thesis.tex"}, "a file is in the way"),
        ({"output": "empty/link"}, "would be overwritten"),
    ],
)
def test_what_cannot_be_exported_is_refused_before_any_video_is_opened(
    own_run, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.tex").write_text("...")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "link").symlink_to(own_run.path / "bundle")
    if "would be" in message:
        # The data of the run, of all places, are in what looks like a bundle.
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


@pytest.mark.parametrize("streaming", [False, True], ids=["clip", "step"])
@pytest.mark.parametrize("file_format", ["tflite", "onnx"])
def test_the_tensors_that_lose_most_come_first(live, run, file_format, streaming):
    kind = {"file_format": file_format, "streaming": streaming}
    entries = [live.choose(precision, **kind) for precision in ("float32", "int8")]
    floating, quantised = (
        Artefact(
            file_format, entry.precision, streaming, live.content(entry.file), {}, states(entry)
        )
        for entry in entries
    )
    candidate = Candidate(quantised, live.shape, threads=1)
    clip = open_data("motions", run.config.data.root).clips("test")[0]
    worst = worst_tensors(candidate, floating, [clip_from_video(clip.path, live.shape)])
    assert len(worst) == 5
    ratios = [ratio for _, ratio in worst]
    assert sorted(ratios) == ratios
    assert 0 < ratios[0] < 60

    twin = Candidate(floating, live.shape, threads=1)
    same = worst_tensors(twin, floating, [clip_from_video(clip.path, live.shape)])
    assert same[0][1] > 200


def states(entry):
    return tuple(
        StateTensor(name, state.shape, state.dtype) for name, state in entry.states.items()
    )
