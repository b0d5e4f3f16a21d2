"""Freed memory stays in the process, so that taking it again costs no page faults."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")

FAULTS = """
import resource
from pan_keras.video.freed_memory import keep_freed_memory

if {kept}:
    keep_freed_memory()
for _ in range(2):
    blocks = [b"x" * (7 << 20) for _ in range(4)]
    del blocks
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    blocks = [b"x" * (7 << 20) for _ in range(4)]
    del blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*, kept: bool) -> int:
    command = [sys.executable, "-c", FAULTS.format(kept=kept)]
    return int(subprocess.run(command, capture_output=True, check=True, timeout=120).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have other rules")
@pytest.mark.skipif(
    HUGE_PAGES.is_file() and "[always]" in HUGE_PAGES.read_text(), reason="pages have 2 MB here"
)
def test_memory_that_was_freed_is_taken_again_without_page_faults():
    # Four blocks of 7 MB are 7,168 pages, three times.
    assert faults(kept=False) > 10_000
    assert faults(kept=True) < 500
