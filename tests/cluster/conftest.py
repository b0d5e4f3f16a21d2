"""Ray, and clusters of several nodes on this machine."""

import pytest
from ray_nodes import Nodes
from video_files import moving_frames, write_video


@pytest.fixture(scope="session")
def ray():
    return pytest.importorskip("ray", reason="Ray (extra distributed) is not installed")


@pytest.fixture(scope="session")
def videos(tmp_path_factory):
    """Twenty-four clips of two classes, and a broken one."""
    folder = tmp_path_factory.mktemp("cluster") / "videos"
    for number in range(24):
        place = folder / ("clap", "wave")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        write_video(place / f"{number}.mp4", moving_frames(8 + number, seed=number))
    (folder / "wave" / "broken.mp4").write_bytes(b"no video")
    return folder


@pytest.fixture
def nodes(ray):
    """A cluster of two nodes."""
    cluster = Nodes()
    try:
        yield cluster
    finally:
        cluster.close()
