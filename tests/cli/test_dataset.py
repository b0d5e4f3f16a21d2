"""`pan-keras dataset` on the command line: output and user errors."""

import json

import pytest
from click.testing import CliRunner
from video_files import moving_frames, write_video

from pan_keras.cli import main


def invoke(*arguments):
    return CliRunner().invoke(main, ["dataset", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path):
    """Two classes of three clips, one of which is not a video."""
    for label in ("left", "right"):
        (tmp_path / "videos" / label).mkdir(parents=True)
        for number in range(3):
            path = tmp_path / "videos" / label / f"{number}.mp4"
            write_video(path, moving_frames(6, seed=number))
    path.write_bytes(b"no video")
    return tmp_path / "videos"


def test_make_then_check(tmp_path):
    made = invoke("make", "motions", tmp_path / "motions", "--clips", 48)
    assert made.exit_code == 0, made.output
    assert f"pan-keras train motions --root {tmp_path / 'motions'}" in made.stdout

    checked = invoke("check", "motions", "--root", tmp_path / "motions", "--json")
    assert checked.exit_code == 0, checked.output
    report = json.loads(checked.stdout)
    assert report["clips"] == 48
    assert report["skipped"] == []


def test_check_names_the_broken_file(folder):
    checked = invoke("check", folder, "--max-broken", 0.5)
    assert checked.exit_code == 0, checked.output
    assert "right/2.mp4" in checked.stdout


def test_check_reports_the_part_of_frames_that_the_crop_removes(folder):
    for number, (height, width) in enumerate([(90, 160), (160, 90), (60, 60), (72, 96), (48, 120)]):
        write_video(folder / "left" / f"size{number}.mp4", moving_frames(3, height, width))
    card = folder / "own.toml"
    card.write_text(
        "name = 'x'\ntitle = 'X'\n[training.model]\nsize = [112, 112]\nresize = 128", "utf-8"
    )
    checked = invoke("check", card, "--max-broken", 0.5)
    assert "sizes: 6 from 64x48 to 90x160, most often 64x48 (5)" in checked.stdout
    sentence = "a crop of 112x112 from a shorter side of 128 cuts away 34% of the width and 12% of"
    assert f"{sentence} the height of 4:3 (6 clips); " in checked.stdout
    assert "; up to 12% and 51% of other shapes (1 clip)" in checked.stdout
    assert "(model.fit=letterbox or squash keeps whole pictures)" in checked.stdout
    crop = json.loads(invoke("check", card, "--max-broken", 0.5, "--json").stdout)["crop"]
    assert (crop["size"], crop["resize"]) == ([112, 112], 128)
    assert {cut["shape"]: cut["clips"] for cut in crop["cut_away"]} == {
        **{"4:3": 6, "1:1": 1, "16:9": 1, "2.50:1": 1, "9:16": 1}
    }


@pytest.mark.parametrize("fit", ["letterbox", "squash"])
def test_a_card_with_fit_other_than_crop_removes_nothing(fit, folder):
    card = folder / "own.toml"
    card.write_text(f"name = 'x'\ntitle = 'X'\n[training.model]\nfit = '{fit}'", "utf-8")
    checked = invoke("check", card, "--max-broken", 0.5)
    assert f"nothing is cut away, as model.fit is {fit}" in checked.stdout
    crop = json.loads(invoke("check", card, "--max-broken", 0.5, "--json").stdout)["crop"]
    assert (crop["fit"], crop["cut_away"]) == (fit, [])


def test_without_a_card_the_crop_is_the_default_and_errors_in_a_card_are_named(folder):
    checked = invoke("check", folder, "--max-broken", 0.5)
    assert "a crop of 96x72 from a shorter side of 84 cuts away 14%" in checked.stdout
    assert "model.fit" not in checked.stdout
    card = folder / "own.toml"
    card.write_text("name = 'x'\ntitle = 'X'\n[training.model]\nsise = [72, 96]", "utf-8")
    checked = invoke("check", card, "--max-broken", 0.5)
    assert checked.exit_code == 2
    assert "sise" in checked.output


def test_check_lists_identical_videos(folder):
    left, right = folder / "left" / "0.mp4", folder / "right" / "0.mp4"
    (folder / "right" / "2.mp4").unlink()
    (folder / "right" / "1.mp4").unlink()
    (folder / "left" / "1.mp4").write_bytes(left.read_bytes())
    checked = invoke("check", folder, "--duplicates", "--json")
    assert checked.exit_code == 0, checked.output
    (group,) = json.loads(checked.stdout)["duplicates"]
    found = [(clip["path"], clip["class"]) for clip in group]
    assert found == [
        (str(left), "left"),
        (str(folder / "left" / "1.mp4"), "left"),
        (str(right), "right"),
    ]
    assert {clip["split"] for clip in group} <= {"train", "val", "test"}
    lines = invoke("check", folder, "--duplicates").stdout.splitlines()
    (line,) = [line for line in lines if line.startswith("the same video: ")]
    assert f"{right} (train, right)" in line
    left.unlink()
    right.unlink()
    (folder / "right" / "3.mp4").write_bytes((folder / "left" / "2.mp4").read_bytes() + b"0")
    assert invoke("check", folder, "--duplicates").stdout.endswith("no two videos are identical\n")
    assert "duplicates" not in json.loads(invoke("check", folder, "--json").stdout)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "2.mp4"),
        (["--max-broken", "2"], "max-broken"),
    ],
    ids=["too many broken", "not a share"],
)
def test_a_user_error_is_one_sentence(folder, arguments, message):
    checked = invoke("check", folder, *arguments)
    assert checked.exit_code == 2, checked.output
    assert message in checked.output
    assert "Traceback" not in checked.output


def test_a_folder_without_videos_is_refused(tmp_path):
    checked = invoke("check", tmp_path)
    assert checked.exit_code == 2
    assert str(tmp_path) in checked.output
