#!/usr/bin/env bash
# Builds build/pan-demo.apk from the sources: android_demo/build.sh [BUNDLE ...]
#
# Needs OpenJDK 17, Maven, and Debian's aapt, apksigner, zipalign and zip. The bundles are put into
# the APK. Without variables it is signed with a key that is made on the first call; a release is
# signed with PAN_KEYSTORE, PAN_KEY_ALIAS and PAN_KEYSTORE_PASSWORD (and PAN_KEY_PASSWORD, if it is
# another).
#
# ONLY=classes stops after the compiler: what the tests of the app need.
set -euo pipefail

given=()
for bundle in "$@"; do given+=("$(realpath "$bundle")"); done
cd "$(dirname "${BASH_SOURCE[0]}")"

fail() {
    printf 'build.sh: %s\n' "$1" >&2
    exit 1
}

for tool in java jar mvn keytool aapt2 zipalign apksigner zip unzip; do
    command -v "$tool" >/dev/null ||
        fail "$tool is missing; on Debian: apt-get install openjdk-17-jdk-headless maven aapt apksigner zipalign zip unzip"
done
for bundle in "${given[@]}"; do
    [ -f "$bundle/model.json" ] || fail "$bundle: no bundle; make one with pan-keras export, or pass BUNDLE=DIR"
done

sources=(core/src/main/kotlin engines/src/main/kotlin app/src/main/kotlin)
jdk=$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")
version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' ../pan_keras/__init__.py)
[ -n "$version" ] || fail "pan_keras/__init__.py says no version"
mkdir -p build
exec 9>build/lock
flock --nonblock 9 || fail "another build is under way in this folder"
rm -rf build/generated build/classes build/assets build/stage build/dex build/jars build/*.apk build/*.zip build/app.jar

# Libraries and tools, once; they are checked against Maven's checksums, R8 against its own too.
if [ ! -f build/fetched ] || [ app/pom.xml -nt build/fetched ]; then
    rm -rf build/tools build/libraries build/robolectric build/robolectric-android
    mvn --quiet --batch-mode --file app/pom.xml generate-test-resources
    echo "38a9ffaaebbd17d1514e3ecbff5a85b989bb13c551b9e224c7409514eea84ff5  build/tools/r8.jar" | sha256sum --check --quiet
    touch build/fetched
fi
android=build/tools/android-all.jar
stdlib=build/tools/kotlin-stdlib.jar

mkdir -p build/aar build/jars build/generated build/classes build/assets/bundles
for library in tensorflow-lite tensorflow-lite-api; do
    rm -rf "build/aar/$library"
    unzip -qo "build/libraries/$library.aar" -d "build/aar/$library"
    cp "build/aar/$library/classes.jar" "build/jars/$library.jar"
done
# The Java classes alone: the libraries in this file are for desktops.
if [ ! -f build/onnxruntime-api.jar ]; then
    rm -rf build/onnxruntime
    mkdir build/onnxruntime
    unzip -qo build/libraries/onnxruntime.jar 'ai/onnxruntime/*.class' -d build/onnxruntime
    jar --create --file build/onnxruntime-api.jar -C build/onnxruntime .
fi
cp build/onnxruntime-api.jar build/jars/

# Bundles: what model.json names, for a folder may hold more.
for bundle in "${given[@]}"; do
    name=$(basename "$bundle")
    [ "$name" = bundle ] && name=$(basename "$(dirname "$bundle")")
    [ ! -e "build/assets/bundles/$name" ] || fail "two bundles are named $name"
    mkdir "build/assets/bundles/$name"
    python3 - "$bundle" <<'PYTHON' | while read -r file; do install -m 644 -D "$bundle/$file" "build/assets/bundles/$name/$file"; done
import json, pathlib, sys
facts = json.loads((pathlib.Path(sys.argv[1]) / "model.json").read_text(encoding="utf-8"))
print("model.json", *(each["file"] for each in facts["artefacts"]), *facts["files"], sep="\n")
PYTHON
done

aapt2 compile --dir app/src/main/res -o build/resources.zip
aapt2 link -o build/base.apk -I "$android" --manifest app/src/main/AndroidManifest.xml --java build/generated \
    -A build/assets -0 .tflite -0 .onnx --min-sdk-version 26 --target-sdk-version 34 \
    --version-code 1 --version-name "$version" build/resources.zip 2> >(grep -v "Unknown chunk type '200'" >&2)

compiler=$(printf '%s:' build/tools/kotlin-*.jar build/tools/kotlinx-*.jar build/tools/annotations.jar)
# As bytecode of level 26 knows it: no class files that call the JDK's factories of lambdas and strings.
java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$compiler" org.jetbrains.kotlin.cli.jvm.K2JVMCompiler -jdk-home "$jdk" -no-stdlib -no-reflect \
    -jvm-target 1.8 -Xjdk-release=1.8 -Xlambdas=class -Xsam-conversions=class -Xstring-concat=inline -Werror -module-name pan-demo \
    -cp "$stdlib:$android:$(printf '%s:' build/jars/*.jar)" -d build/classes "${sources[@]}" build/generated
find build/generated -name '*.java' -print0 | xargs -0 javac --release 8 -Xlint:-options -d build/classes
jar --create --file build/app.jar -C build/classes .
[ "${ONLY:-}" = classes ] && exit

mkdir -p build/dex build/stage/lib
java -cp build/tools/r8.jar com.android.tools.r8.R8 --release --min-api 26 --lib "$android" --lib "$jdk" \
    --pg-conf app/proguard.pro --pg-map-output build/mapping.txt --output build/dex \
    build/app.jar build/jars/*.jar "$stdlib"
cp build/dex/*.dex build/stage/
for abi in arm64-v8a x86_64; do
    mkdir "build/stage/lib/$abi"
    cp build/aar/tensorflow-lite/jni/$abi/*.so "build/stage/lib/$abi/"
done

# The same bytes each time: one date, one order. Libraries are stored, for they are mapped from the APK.
find build/stage -exec touch --date=1980-01-01T00:00:00Z {} +
cp build/base.apk build/unsigned.apk
export TZ=UTC
(
    cd build/stage
    find lib -type f | LC_ALL=C sort | zip -q -X -D -0 ../unsigned.apk -@
    find . -maxdepth 1 -name '*.dex' | sed 's|^\./||' | LC_ALL=C sort | zip -q -X -D ../unsigned.apk -@
)
zipalign -f -p 4 build/unsigned.apk build/aligned.apk

if [ -n "${PAN_KEYSTORE:-}" ]; then
    export PAN_KEY_PASSWORD=${PAN_KEY_PASSWORD:-${PAN_KEYSTORE_PASSWORD:?is missing}}
    key=(--ks "$PAN_KEYSTORE" --ks-key-alias "${PAN_KEY_ALIAS:?is missing}" --ks-pass env:PAN_KEYSTORE_PASSWORD --key-pass env:PAN_KEY_PASSWORD)
else
    [ -f build/debug.keystore ] ||
        keytool -genkeypair -keystore build/debug.keystore -storepass android -alias debug -keyalg RSA -keysize 2048 \
            -validity 10000 -dname CN=debug >/dev/null 2>&1
    key=(--ks build/debug.keystore --ks-key-alias debug --ks-pass pass:android)
fi
apksigner sign "${key[@]}" --min-sdk-version 26 --v1-signing-enabled false --v2-signing-enabled true \
    --v3-signing-enabled true --v4-signing-enabled false --out build/pan-demo.apk build/aligned.apk
printf 'android_demo/build/pan-demo.apk: %s bytes\n' "$(stat --format=%s build/pan-demo.apk)"
