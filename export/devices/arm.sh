#!/usr/bin/env bash
# Runs the test vectors of a bundle on emulated 64-bit Arm: the runtime of this package, LiteRT and
# ONNX Runtime, on a Cortex-A72 (Raspberry Pi 4) and a Cortex-A76 (Raspberry Pi 5, phones; it has the
# dot products that int8 kernels use). Numbers only: an emulator says nothing of speed.
#
#     export/devices/arm.sh BUNDLE
#
# Needs Linux with qemu-user-static and mmdebstrap, and a package index that pip can reach. What it
# sets up, once, is in .arm/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

bundle=${1:?"usage: export/devices/arm.sh BUNDLE"}
python=${PYTHON:-python3}
here=.arm
root=$here/root
packages=$here/packages
release=bookworm
version=3.11 # the Python of that release

for tool in qemu-aarch64-static mmdebstrap; do
    if ! command -v "$tool" >/dev/null; then
        echo "arm.sh: $tool is not here; as root: apt-get install qemu-user-static mmdebstrap arch-test" >&2
        exit 2
    fi
done
if [ ! -f "$bundle/model.json" ]; then
    echo "arm.sh: $bundle is no bundle; make one: make demo, or pan-keras export" >&2
    exit 2
fi

# A part that was stopped half way is made anew.
made() { [ "$(cat "$1.made" 2>/dev/null)" = "$2" ]; }

if ! made "$root" "$release"; then
    rm -rf "$root"
    mkdir -p "$here"
    mmdebstrap --quiet --arch=arm64 --variant=extract --skip=check/qemu --include=python3,libstdc++6 \
        "$release" "$root"
    # The runtimes ask what the processor can do, and stop where nobody answers.
    mkdir -p "$root/proc" "$root"/sys/devices/system/cpu/cpu{0,1}/topology
    for number in 0 1; do
        printf 'processor\t: %s\nCPU implementer\t: 0x41\nCPU architecture: 8\n' "$number"
        printf 'CPU variant\t: 0x0\nCPU part\t: 0xd08\nCPU revision\t: 3\n\n'
    done >"$root/proc/cpuinfo"
    echo "$release" >"$root.made"
fi

# What pip would install on such a device: pip install "pan-keras[litert,onnx,video]".
needed=$("$python" -c '
import tomllib
project = tomllib.load(open("pyproject.toml", "rb"))["project"]
extras = project["optional-dependencies"]
print(*project["dependencies"], *extras["litert"], *extras["onnx"], *extras["video"], sep="\n")
')
pinned=$({ cat constraints.txt; echo "$needed"; } | sha256sum | cut -d ' ' -f 1)
if ! made "$packages" "$pinned"; then
    rm -rf "$packages"
    mapfile -t needed <<<"$needed"
    "$python" -m pip install --quiet --target "$packages" --constraint constraints.txt \
        --only-binary=:all: --implementation cp --python-version "$version" \
        --platform manylinux_2_27_aarch64 --platform manylinux_2_28_aarch64 \
        --platform manylinux2014_aarch64 "${needed[@]}"
    echo "$pinned" >"$packages.made"
fi

failed=0
for processor in cortex-a72 cortex-a76; do
    echo "== $processor"
    PYTHONPATH=$packages:. PYTHONDONTWRITEBYTECODE=1 \
        qemu-aarch64-static -cpu "$processor" -L "$root" \
        "$root/usr/bin/python$version" -m pan_keras.runtime "$bundle" --threads 1 || failed=1
done
exit "$failed"
