"""Data sets in remote storage are opened and read as local ones, whatever the network does."""

import shutil

import numpy as np
import pytest
from remote_storage import Proxy, connect, s3_server, upload
from shard_folders import make_shards
from stand_ins import MAKERS
from video_files import moving_frames, write_frames, write_video

from pan_keras.data import open_data, prepare_dataset
from pan_keras.errors import UserError
from pan_keras.files import cache_folder
from pan_keras.input import FrameStore
from pan_keras.remote import cache, store
from pan_keras.remote.addresses import address_of, is_remote, local_path
from pan_keras.video import clip_bytes, is_there, read_frames

pytest.importorskip("obstore")
pytest.importorskip("moto")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("remote")
    for number in range(6):
        split = ("train", "val", "test")[number // 2]
        label = ("clap", "wave")[number % 2]
        path = place / "videos" / split / label / f"{number}.mp4"
        path.parent.mkdir(parents=True)
        write_video(path, moving_frames(6 + number, seed=number))
        clip = place / "frames" / split / label / str(number)
        write_frames(clip, moving_frames(6 + number, seed=number), "{:05d}.jpg")
        (clip / "notes.txt").write_text("no frame")
    (place / "frames" / "list.csv").write_text("path,label\ntrain/clap/0,clap\ntest/wave/5,wave\n")
    rows = [
        f"{path.relative_to(place / 'videos')},{path.parent.name},{path.parent.parent.name}"
        for path in sorted(place.rglob("*.mp4"))
    ]
    (place / "videos" / "list.csv").write_text("path,label,split\n" + "\n".join(rows) + "\n")
    make_shards(place / "videos", place / "shards", clips_per_shard=4)
    return place


@pytest.fixture(scope="module")
def server(folder):
    with s3_server(folder, "bucket") as proxy:
        yield proxy


@pytest.fixture
def s3(server, monkeypatch, tmp_path):
    return connect(server, monkeypatch, tmp_path / "cache")


def rows(data):
    return [
        (clip.path.name, clip.label, clip.split, data.infos[clip.path]) for clip in data.all_clips
    ]


def quiet(*_):
    pass


def opened(source):
    return open_data(source, progress=quiet)


@pytest.mark.parametrize(
    "source", ["videos", "videos/list.csv", "shards", "frames", "frames/list.csv"]
)
def test_a_remote_data_set_is_that_of_the_files(s3, folder, source):
    local = opened(folder / source)
    remote = opened(f"s3://bucket/{source}")
    assert remote.source == f"s3://bucket/{source}"
    assert rows(remote) == rows(local)
    assert remote.warnings == local.warnings
    assert remote.ignored == local.ignored
    for clip, other in zip(remote.all_clips, local.all_clips, strict=True):
        assert is_there(clip.path)
        assert clip_bytes(clip.path) == clip_bytes(other.path)
        np.testing.assert_array_equal(
            read_frames(clip.path, [3, 1]), read_frames(other.path, [3, 1])
        )


def test_each_object_is_read_once_and_found_again(s3, folder):
    data = opened("s3://bucket/videos")
    size = sum(file.stat().st_size for file in (folder / "videos").rglob("*.mp4"))
    names = [path for command, path in s3.requests if ".mp4" in path]
    assert len(names) == len(set(names)) == 6  # one request each
    assert size <= s3.sent < size + 20_000
    s3.sent = 0
    cache._states.clear()
    assert rows(opened("s3://bucket/videos")) == rows(data)
    assert s3.sent < 10_000  # the list


def test_frames_of_a_folder_are_read_when_they_are_asked_for(s3):
    data = opened("s3://bucket/frames")
    assert sum("list-type" in path for _, path in s3.requests) == 1
    first = [path for command, path in s3.requests if ".jpg" in path]
    assert len(first) == 6
    assert all(path.endswith("/00001.jpg") for path in first)
    s3.requests.clear()
    read_frames(data.all_clips[0].path, [3, 1, 3])
    assert sorted(path[-9:] for _, path in s3.requests) == ["00002.jpg", "00004.jpg"]


def test_a_list_that_breaks_off_is_continued(s3):
    expected = rows(opened("s3://bucket/frames"))
    full = store.RemoteStore("s3", "bucket")
    names = [key for key, _ in full.objects("frames")]
    found, listing = [], full.objects("frames")
    for key, _ in listing:
        found.append(key)
        if len(found) == 3:
            s3.faults += ["error", "reset"]
    assert found == names
    s3.faults += ["error", "reset"]
    assert rows(opened("s3://bucket/frames")) == expected


@pytest.mark.parametrize("name", ["ucf101", "jester"])
def test_a_prepared_data_set_is_opened_from_a_remote_root(s3, tmp_path, name):
    root = MAKERS[name](tmp_path / name).root
    prepare_dataset(name, root, root, progress=quiet)
    upload(s3, root, name)
    fold = 2 if name == "ucf101" else None
    local, remote = (
        open_data(name, each, fold=fold, progress=quiet) for each in (root, f"s3://bucket/{name}")
    )
    assert rows(remote) == rows(local)
    assert remote.classes == local.classes
    asked = [path for command, path in s3.requests if command == "HEAD"]
    assert len(asked) <= 3  # the clips are known from the list
    if name == "ucf101":  # a web server is asked for each
        web = open_data(name, f"{s3.address}/bucket/{name}", fold=fold, progress=quiet)
        assert rows(web) == rows(local)
    with pytest.raises(UserError, match=r"s3://bucket/videos: the file manifest.csv of hmdb51 is"):
        open_data("hmdb51", "s3://bucket/videos")


def test_reading_shards_needs_no_record_before_it_is_used(s3):
    data = opened("s3://bucket/shards")
    assert not any(".arrayrecord" in path for command, path in s3.requests if command == "GET")
    read_frames(data.all_clips[0].path, [0])
    read = [path for command, path in s3.requests if command == "GET" and ".arrayrecord" in path]
    assert len(read) == 1


@pytest.mark.parametrize("fault", ["slow", "error", "reset"])
def test_a_passing_fault_changes_nothing(s3, folder, fault):
    expected = rows(opened(folder / "videos"))
    s3.faults += [fault, "", fault, fault, ""]
    assert rows(opened("s3://bucket/videos")) == expected


@pytest.mark.parametrize("fault", ["error", "reset"])
def test_a_lasting_fault_is_one_sentence_that_leaves_nothing(s3, fault):
    path = local_path("s3://bucket/videos/train/clap/0.mp4")
    s3.faults += [""] + [fault] * 20
    with pytest.raises(
        UserError, match=r"s3://bucket/videos/train/clap/0.mp4: cannot be read after 5"
    ):
        read_frames(path, [0])
    assert not [file for file in cache_folder().rglob("*") if file.is_file()]


def test_a_training_ends_at_a_lasting_fault_instead_of_leaving_clips_out(s3):
    clips = FrameStore(resize=32)
    s3.faults += ["error"] * 20
    path = local_path("s3://bucket/videos/train/clap/0.mp4")
    with pytest.raises(UserError, match="cannot be read after 5 attempts"):
        clips.count(path)
    assert clips.failure is not None
    assert clips.broken == {}


def test_no_access_no_bucket_no_object_and_no_network_are_one_sentence_each(s3, monkeypatch):
    s3.faults += ["denied"] * 5
    with pytest.raises(
        UserError, match=r"s3://bucket/videos/list.csv: access is denied; set AWS_ACC"
    ):
        opened("s3://bucket/videos/list.csv")
    s3.faults.clear()
    for absent in ("s3://absent/videos", "s3://bucket/absent", "s3://bucket/absent.csv"):
        with pytest.raises(
            UserError, match=r"there (is no such bucket or object|are no objects here)"
        ):
            opened(absent)
    with Proxy("").running() as gone:
        pass
    monkeypatch.setenv("AWS_ENDPOINT_URL", gone.address)
    with pytest.raises(UserError, match=r"cannot be read after 5 attempts .*check the network"):
        opened("s3://bucket/videos")


def test_an_object_that_disappears_is_a_missing_clip(s3):
    data = opened("s3://bucket/shards")
    path = data.all_clips[0].path.with_name("gone.mp4")
    assert not is_there(path)
    assert clip_bytes(local_path("s3://bucket/videos/train/clap/9.mp4")) is None


def test_the_cache_is_bounded(s3, monkeypatch):
    data = opened("s3://bucket/videos")
    sizes = [clip_bytes(clip.path) for clip in data.all_clips]
    shutil.rmtree(cache_folder() / "remote" / "s3")
    monkeypatch.setattr(cache, "_held", None)
    monkeypatch.setattr(cache, "IN_USE", 0.0)
    monkeypatch.setenv(cache.LIMIT, str((max(sizes) * 2.5) / 1e9))
    for clip in data.all_clips * 2:
        read_frames(clip.path, [0])
        held = sum(file.stat().st_size for file in cache_folder().rglob("*.mp4"))
        assert 0 < held <= max(sizes) * 2.5
    monkeypatch.setenv(cache.LIMIT, str(max(sizes) / 2e9))
    largest = data.all_clips[sizes.index(max(sizes))].path
    largest.unlink(missing_ok=True)
    with pytest.raises(UserError, match="more than the cache for remote files holds"):
        read_frames(largest, [0])
    monkeypatch.setenv(cache.LIMIT, "much")
    with pytest.raises(UserError, match="must be a size in GB above 0"):
        read_frames(largest, [0])


def test_large_objects_are_read_in_blocks_that_are_repeated_one_by_one(s3, monkeypatch):
    monkeypatch.setattr(store, "BLOCK", 1000)
    path = local_path("s3://bucket/videos/test/wave/5.mp4")
    s3.faults += ["", "", "reset"]
    frames = read_frames(path, [0])
    assert frames.shape == (1, 48, 64, 3)
    assert path.stat().st_size > 2000


def test_a_web_server_serves_manifests_and_shards_but_no_folders(s3, folder):
    base = f"{s3.address}/bucket"
    assert rows(opened(f"{base}/videos/list.csv")) == rows(opened(folder / "videos" / "list.csv"))
    assert rows(opened(f"{base}/shards")) == rows(opened(folder / "shards"))
    with pytest.raises(UserError, match="folders cannot be listed over http; name a CSV file"):
        opened(f"{base}/videos")


def test_addresses_and_paths_stand_for_each_other(s3):
    for address in ("s3://bucket/a/b.mp4", "https://example.org/list.csv", "gs://b/c"):
        assert is_remote(address)
        assert address_of(local_path(address)) == address
    assert address_of(cache_folder() / "clips.sqlite") is None
    assert not is_remote("videos")
    for wrong in ("s3://", "s3://b/../c", "https://host/a.csv?key=1"):
        with pytest.raises(UserError, match="not an address of remote storage"):
            local_path(wrong)
