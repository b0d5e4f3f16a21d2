#!/usr/bin/env bash
# Runs the test vectors of a bundle on emulated 64-bit Arm, a Cortex-A72 (Raspberry Pi 4) and a
# Cortex-A76 (Raspberry Pi 5, phones; it has the dot products that int8 kernels use): by the runtime
# of this package, LiteRT and ONNX Runtime, and by the library that TensorFlow Lite has for Android.
# Numbers only: an emulator says nothing of speed.
#
#     export/devices/arm.sh BUNDLE
#
# Needs Linux with the packages named below, a package index that pip can reach, and a repository
# that Maven can. What it sets up, once, is in .arm/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

bundle=${1:?"usage: export/devices/arm.sh BUNDLE"}
python=${PYTHON:-python3}
here=.arm
root=$here/root
packages=$here/packages
phone=$here/phone
release=bookworm
version=3.11 # the Python of that release
tflite=2.16.1 # pan_keras/deploy/formats/operator_versions.py calls this one tested
tflite_sha256=34b065817e294e7dd3569504e8b9454938ceae453b6a459da54d5f6e45d3c94e

needs() {
    command -v "$1" >/dev/null && return
    echo "arm.sh: $1 is not installed; as root: apt-get install $2" >&2
    exit 2
}
needs qemu-aarch64-static "qemu-user-static"
needs mmdebstrap "mmdebstrap arch-test"
needs aarch64-linux-gnu-gcc "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
needs mvn "maven"
if [ ! -f "$bundle/model.json" ]; then
    echo "arm.sh: $bundle is not a bundle; make one: make demo, or pan-keras export" >&2
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

if ! made "$phone" "$tflite"; then
    rm -rf "$phone"
    mvn --quiet --batch-mode org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
        -Dartifact="org.tensorflow:tensorflow-lite:$tflite:aar" -DoutputDirectory="$PWD/$phone"
    echo "$tflite_sha256  $phone/tensorflow-lite-$tflite.aar" | sha256sum --check --quiet
    "$python" -m zipfile --extract "$phone/tensorflow-lite-$tflite.aar" "$phone"
    android_demo/standins/build.sh "$phone/jni/arm64-v8a/libtensorflowlite_jni.so" "$phone/standins"
    echo "$tflite" >"$phone.made"
fi

failed=0
for processor in cortex-a72 cortex-a76; do
    echo "== $processor, LiteRT and ONNX Runtime"
    PYTHONPATH=$packages:. PYTHONDONTWRITEBYTECODE=1 \
        qemu-aarch64-static -cpu "$processor" -L "$root" \
        "$root/usr/bin/python$version" -m pan_keras.runtime "$bundle" --threads 1 || failed=1
    echo "== $processor, TensorFlow Lite $tflite for Android"
    PYTHONPATH=. "$python" export/devices/phone_tflite.py "$bundle" \
        "$phone/jni/arm64-v8a/libtensorflowlite_jni.so" "$phone/standins" "$processor" || failed=1
done
exit "$failed"
