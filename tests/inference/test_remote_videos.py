"""Videos in remote storage are classified by their addresses."""

import json
import shutil

import pytest
from click.testing import CliRunner
from remote_storage import Proxy, connect, s3_server
from video_files import moving_frames, write_frames, write_video

from pan_keras.cli import main

pytest.importorskip("obstore")
pytest.importorskip("moto")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("remote")
    (place / "videos" / "deep").mkdir(parents=True)
    write_video(place / "videos" / "a.mp4", moving_frames(12))
    write_video(place / "videos" / "deep" / "b.mp4", moving_frames(12, seed=1))
    write_frames(place / "videos" / "frames", moving_frames(12, seed=2), "{:05d}.jpg")
    shutil.copy(place / "videos" / "a.mp4", place / "without-suffix")
    (place / "text").mkdir()
    (place / "text" / "notes.txt").write_text("no video")
    (place / "broken.mp4").write_bytes(b"no video")
    return place


@pytest.fixture(scope="module")
def server(folder):
    with s3_server(folder, "answers") as proxy:
        yield proxy


@pytest.fixture
def s3(server, monkeypatch, tmp_path):
    return connect(server, monkeypatch, tmp_path / "cache")


def answers(*arguments):
    done = CliRunner().invoke(main, ["predict", *map(str, arguments), "--json"])
    assert done.exit_code == 0, done.output
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [(each["path"], each["predictions"]) for each in found]


def test_addresses_files_and_folders_are_classified_together(s3, bundle, folder, tmp_path):
    web = f"{s3.address}/answers/without-suffix"
    local = folder / "videos" / "a.mp4"
    table = tmp_path / "table.csv"
    found = answers(
        bundle, "s3://answers/videos", local, web, "s3://answers/without-suffix", "--csv", table
    )
    expected = answers(bundle, folder / "videos", local, local, local)
    names = [f"s3://answers/videos/{name}" for name in ("a.mp4", "deep/b.mp4", "frames")]
    assert [path for path, _ in found] == [*names, str(local), web, "s3://answers/without-suffix"]
    assert [each for _, each in found] == [each for _, each in expected]
    assert table.read_text().splitlines()[1].startswith("s3://answers/videos/a.mp4,")
    alone = answers(bundle, "s3://answers/videos/frames")
    assert alone == [found[2]]


def test_an_address_is_explained_and_drawn(s3, run, folder, tmp_path):
    local = folder / "videos" / "a.mp4"
    told = []
    for video in (local, "s3://answers/videos/a.mp4"):
        done = CliRunner().invoke(main, ["explain", str(run.path), str(video), "--json"])
        assert done.exit_code == 0, done.output
        told.append(json.loads(done.stdout))
        picture = tmp_path / f"{len(told)}.png"
        drawn = CliRunner().invoke(main, ["motion", str(video), "-o", str(picture), "--json"])
        assert drawn.exit_code == 0, drawn.output
    assert told[1].pop("path") == "s3://answers/videos/a.mp4"
    assert told[0].pop("path") == str(local)
    assert told[0] == told[1]
    assert (tmp_path / "1.png").read_bytes() == (tmp_path / "2.png").read_bytes()


@pytest.mark.parametrize("words", [["explain", "RUN"], ["motion"]])
def test_one_clip_is_explained_or_drawn_and_not_a_folder_of_them(s3, run, tmp_path, words):
    output = tmp_path / "picture.png"
    command = [str(run.path) if word == "RUN" else word for word in words]
    done = CliRunner().invoke(main, [*command, "s3://answers/videos", "-o", str(output)])
    assert done.exit_code == 2
    assert done.stderr.strip().endswith(
        "s3://answers/videos: holds 3 clips; name one, such as s3://answers/videos/a.mp4"
    )
    assert not output.exists()


def test_a_broken_object_is_skipped_by_its_address(s3, bundle):
    done = CliRunner().invoke(
        main, ["predict", str(bundle), "s3://answers/broken.mp4", "s3://answers/videos/a.mp4"]
    )
    assert done.exit_code == 0
    assert done.stderr.startswith("s3://answers/broken.mp4: skipped (")


@pytest.mark.parametrize(
    ("address", "faults", "said"),
    [
        (
            "s3://answers/videos/a.mp4",
            ["denied"] * 5,
            "a.mp4: access is denied; set AWS_ACCESS_KEY",
        ),
        ("s3://answers/videos", ["denied"] * 5, "videos: access is denied; set AWS_ACCESS_KEY_ID"),
        ("s3://absent/a.mp4", [], "s3://absent/a.mp4: there is no such bucket or object"),
        (
            "s3://answers/absent.mp4",
            [],
            "s3://answers/absent.mp4: there is no such bucket or object",
        ),
        (
            "s3://answers/absent",
            [],
            "s3://answers/absent: there is no such bucket or object; check",
        ),
        ("s3://answers/text", [], "s3://answers/text: no videos found; name videos or a folder"),
        ("s3://answers/videos/a.mp4", ["", *["reset"] * 5], "cannot be read after 5 attempts"),
        ("s3://answers/../a.mp4", [], "not an address of remote storage; write it as s3://BUCKET"),
    ],
)
def test_a_mistake_is_one_sentence(s3, bundle, folder, address, faults, said):
    s3.faults += faults
    local = folder / "videos" / "a.mp4"
    done = CliRunner().invoke(main, ["predict", str(bundle), str(local), address])
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_no_network_is_one_sentence(s3, bundle, monkeypatch):
    with Proxy("").running() as gone:
        pass
    monkeypatch.setenv("AWS_ENDPOINT_URL", gone.address)
    for address in ("s3://answers/a.mp4", f"{gone.address}/a.mp4"):
        done = CliRunner().invoke(main, ["predict", str(bundle), address])
        assert done.exit_code == 2
        assert "cannot be read after 5 attempts" in done.stderr
        assert "check the network" in done.stderr
