"""A run is evaluated on the clips it recorded, even if the data folder has changed since."""

import json
import shutil
from dataclasses import replace

import pytest
from click.testing import CliRunner
from run_folders import untrained_run

from pan_keras.cli import main
from pan_keras.data import open_data
from pan_keras.errors import UserError
from pan_keras.evaluation import clips, compare, evaluate
from pan_keras.evaluation.origin import Origin
from pan_keras.inference import open_classifier
from pan_keras.runs.data_identity import identity_of
from pan_keras.runs.run import Run
from pan_keras.runs.run_data import open_run_data


def measured_clips(sources, *arguments, **options):
    origins = [Origin.of(source) for source in sources]
    return clips.measured_clips(origins, *arguments, **options)


@pytest.fixture(scope="module")
def made(small_motions, tmp_path_factory):
    """Videos in class folders without splits, and runs with splits drawn from two seeds."""
    folder = tmp_path_factory.mktemp("made")
    videos = folder / "videos"
    for file in small_motions.rglob("*.mp4"):
        (videos / file.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, videos / file.parent.name / file.name)
    for name, seed in (("zero", 0), ("one", 1)):
        untrained_run(folder / name, videos, f"data.split_seed={seed}", source=videos)
    return folder


@pytest.fixture
def place(made, tmp_path):
    """A copy of `made` whose runs refer to the copied videos."""
    place = tmp_path / "place"
    shutil.copytree(made, place)
    for name in ("zero", "one"):
        config = place / name / "config.toml"
        config.write_text(config.read_text().replace(str(made), str(place)))
        facts = place / name / "data_identity.json"
        facts.write_text(facts.read_text().replace(str(made), str(place)))
    return place


def members(place, split, **options):
    found = measured_clips([Run(place / "zero")], split=split, **options)
    return {clip.path.relative_to(place).as_posix() for clip in found.clips}, found


def recorded(place, split):
    clips = Run(place / "zero").identity.clips
    return {f"videos/{clip.path}" for clip in clips if clip.split == split}


def another_clip(place, label="up", name="another.mp4"):
    """A video whose content differs from all existing ones."""
    source = sorted((place / "videos" / label).iterdir())[0]
    path = place / "videos" / label / name
    path.write_bytes(source.read_bytes() + b"\0")
    return path


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_redrawn_split_is_ignored(place, split):
    open_data(place / "videos", split_seed=5)
    (place / "videos" / "split.csv").write_text(
        "path,label,split,seed\n"
        + "".join(
            f"{clip.path},{clip.label},train,0\n" for clip in Run(place / "zero").identity.clips
        )
    )
    found, measured = members(place, split)
    assert found == recorded(place, split)
    assert "another split" not in " ".join(measured.notes)  # a drawn split, not given by the data


def test_the_split_of_the_data_may_be_deleted_or_unreadable(place):
    expected = recorded(place, "test")
    (place / "videos" / "split.csv").unlink()
    assert members(place, "test")[0] == expected
    assert not (place / "videos" / "split.csv").exists()
    (place / "videos" / "split.csv").write_text("not ours\n")
    assert members(place, "test")[0] == expected


def test_read_only_data_are_evaluated(place):
    expected = recorded(place, "test")
    (place / "videos").chmod(0o555)
    try:
        assert members(place, "test")[0] == expected
    finally:
        (place / "videos").chmod(0o755)


def test_clips_added_later_are_reported_and_evaluated_only_on_request(place):
    another_clip(place)
    found, measured = members(place, "test")
    assert found == recorded(place, "test")
    assert any("none of its splits: 1 clip (up/another.mp4)" in note for note in measured.notes)
    found, measured = members(place, "test", include_new=True)
    assert found == recorded(place, "test") | {"videos/up/another.mp4"}
    assert "videos/up/another.mp4" not in members(place, "val", include_new=True)[0]


def test_missing_and_changed_clips_are_reported(place):
    first, second, *_ = sorted(recorded(place, "test"))
    (place / first).unlink()
    (place / second).write_bytes((place / second).read_bytes() + b"\0")
    found, measured = members(place, "test")
    assert found == recorded(place, "test") - {first}
    notes = " ".join(measured.notes)
    assert f"1 clip ({first.removeprefix('videos/')}) of {place / 'zero'} is gone" in notes
    assert f"1 clip ({second.removeprefix('videos/')}) of {place / 'zero'} is of another" in notes


def test_data_that_were_moved_are_found_by_root_by_name_and_beside_the_run(place, tmp_path):
    expected = {path.removeprefix("videos/") for path in recorded(place, "test")}
    moved = tmp_path / "elsewhere"
    (place / "videos").rename(moved)
    run = Run(place / "zero")

    def found(**options):
        measured = measured_clips([run], **options)
        return {clip.path.relative_to(moved).as_posix() for clip in measured.clips}

    with pytest.raises(UserError, match=r"none of its 48 clips is in .*--root"):
        measured_clips([run])
    assert found(root=moved) == expected
    assert found(data=moved) == expected
    both = tmp_path / "both"
    shutil.copytree(place / "zero", both / "zero")
    shutil.move(moved, both / "videos")
    measured = measured_clips([Run(both / "zero")])
    beside = {clip.path.relative_to(both / "videos").as_posix() for clip in measured.clips}
    assert beside == expected


def test_a_run_is_not_fused_with_one_trained_on_its_test_clips(place):
    with pytest.raises(UserError, match=r"was trained on \d+ clips \(.*\) of the 8 test clips"):
        evaluate([place / "zero", place / "one"], progress=False)
    with pytest.raises(UserError, match="was trained on"):
        compare([place / "zero", place / "one"], progress=False)
    result = CliRunner().invoke(main, ["evaluate", str(place / "zero"), str(place / "one")])
    assert result.exit_code == 2
    assert "of the same split" in result.output


def test_a_copy_of_the_data_does_not_hide_training_clips(place, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(place / "one", other / "one")
    shutil.copytree(place / "videos", other / "clips")
    for file in ("config.toml", "data_identity.json"):
        path = other / "one" / file
        path.write_text(path.read_text().replace(str(place / "videos"), str(other / "clips")))
    with pytest.raises(UserError, match="was trained on"):
        measured_clips([Run(place / "zero"), Run(other / "one")])


def test_training_clips_are_refused_as_other_data_under_any_name(place, tmp_path):
    clip = next(clip for clip in Run(place / "zero").identity.clips if clip.split == "train")
    other = tmp_path / "other" / "test" / clip.label
    other.mkdir(parents=True)
    shutil.copy(place / "videos" / clip.path, other / "renamed.mp4")
    with pytest.raises(UserError, match=r"was trained on 1 clip \(.*renamed.mp4\)"):
        measured_clips([Run(place / "zero")], tmp_path / "other")
    (other / "renamed.mp4").write_bytes((other / "renamed.mp4").read_bytes() + b"\0")
    assert len(measured_clips([Run(place / "zero")], tmp_path / "other").clips) == 1


def test_training_clips_are_evaluated_on_request(place):
    found, measured = members(place, "train")
    assert found == recorded(place, "train")
    assert any("was trained on 32 of these 32 clips" in note for note in measured.notes)
    result = evaluate(place / "zero", split="all", progress=False)
    assert result.clips == 48
    assert "was trained on 32 of these 48 clips" in result.to_text()
    assert "was trained on 32" in " ".join(json.loads(result.to_json())["notes"])


def test_validation_clips_of_another_model_are_reported(place):
    one = Run(place / "one")
    identity = Run(place / "zero").identity
    clips = tuple(
        replace(clip, split={"test": "val", "val": "test"}.get(clip.split, clip.split))
        for clip in identity.clips
    )
    one.write_identity(replace(identity, clips=clips))
    found = measured_clips([Run(place / "zero"), Run(place / "one")])
    assert any("was chosen on 8 of these 8 clips" in note for note in found.notes)


def test_runs_of_earlier_versions_use_their_split_or_report_that_it_is_unknown(place):
    run = place / "zero"
    expected = recorded(place, "test")
    rows = [f"{c.path},{c.label},{c.split},0\n" for c in Run(run).identity.clips]
    (run / "data_identity.json").unlink()
    (run / "split.csv").write_text("path,label,split,seed\n" + "".join(rows))
    open_data(place / "videos", split_seed=5)
    assert members(place, "test")[0] == expected
    (run / "split.csv").unlink()
    assert any("no record of its clips" in note for note in members(place, "test")[1].notes)


def test_a_record_that_was_changed_is_refused(place):
    record = place / "zero" / "split.csv"
    record.write_text(record.read_text().replace(",train,", ",test,", 1))
    with pytest.raises(UserError, match=r"split.csv: not the clips that the run started with"):
        measured_clips([Run(place / "zero")])


def test_the_data_of_a_run_are_in_the_order_of_training(place):
    found = open_run_data(Run(place / "zero"), looked_into=True).videos
    opened = open_data(place / "videos", split_seed=0)
    assert found.all_clips == opened.all_clips
    assert found.infos == opened.infos


def test_a_bundle_without_a_known_run_reports_what_cannot_be_checked(
    bundle, small_motions, tmp_path
):
    run = open_classifier(bundle)
    for label in run.labels:
        shutil.copytree(small_motions / "test" / label, tmp_path / "some" / "test" / label)
    found = measured_clips([run], tmp_path / "some")
    assert any("no record of its training clips" in note for note in found.notes)
    digest = identity_of(open_data(tmp_path / "some"), tmp_path / "some").digest
    run.bundle.facts["source"]["data_digest"] = digest
    assert not measured_clips([run], tmp_path / "some").notes
