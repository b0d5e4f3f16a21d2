#!/usr/bin/env bash
# Builds the app from its sources and checks it: android_demo/check.sh BUNDLE [BUNDLE ...]
#
# ktlint and detekt, the tests of the screens, the APK twice with the same bytes, signed for debugging
# and as a release, its badging, permissions, signature, alignment and size, and the Java API of level 26.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -gt 0 ] || { echo "usage: check.sh BUNDLE [BUNDLE ...]" >&2; exit 2; }
# Bytes without bundles: with that of the demo it is to stay below 12 MB.
LARGEST=9000000

fail() {
    printf 'check.sh: %s\n' "$1" >&2
    exit 1
}

# What stands in a line of a tool's output.
has() {
    grep -qE "$2" <<<"$1" || fail "$3"
}

"$here/build.sh" "$@"
cp "$here/build/aligned.apk" "$here/build/first-build"
cd "$here"
apk=build/pan-demo.apk

badging=$(aapt2 dump badging "$apk" 2>/dev/null)
has "$badging" "^package: name='pan.demo' versionCode='1' versionName='[0-9]" "the package is another"
has "$badging" "^(minSdkVersion|sdkVersion):'26'" "the least level is not 26"
has "$badging" "^targetSdkVersion:'34'" "the target level is not 34"
has "$badging" "^launchable-activity: name='pan.demo.MainActivity'" "nothing to start"
has "$badging" "^native-code: 'arm64-v8a' 'x86_64'$" "the processors are others"
permissions=$(aapt2 dump permissions "$apk" 2>/dev/null | grep -o "uses-permission: name='[^']*'" | cut -d"'" -f2)
[ "$permissions" = android.permission.CAMERA ] || fail "the permissions are $permissions"
apksigner verify --min-sdk-version 26 "$apk" || fail "the signature is not good"
zipalign -c -p 4 "$apk" || fail "the libraries are not aligned"
bundles=$(unzip -v "$apk" 'assets/*' | tail -1 | awk '{print $2}')
bytes=$(($(stat --format=%s "$apk") - bundles))
[ "$bytes" -lt "$LARGEST" ] || fail "the APK has $bytes bytes without its bundles, more than $LARGEST"
manifest=$(aapt2 dump xmltree "$apk" --file AndroidManifest.xml 2>/dev/null)
activities=$(grep -A1 "E: activity" <<<"$manifest" | grep -o '="\.[A-Za-z]*"' | tr -d '="' | sort | tr '\n' ' ')
[ "$activities" = ".BenchmarkActivity .MainActivity " ] || fail "the activities are $activities"
classes=$(unzip -qop "$apk" classes.dex >build/classes.dex && dexdump -l plain build/classes.dex | grep "Class descriptor")
for class in pan/demo/MainActivity pan/demo/BenchmarkActivity pan/demo/views/HeatView org/tensorflow/lite/Interpreter ai/onnxruntime/OrtSession; do
    has "$classes" "'L$class;'" "$class was shrunk away"
done
echo "check.sh: the APK is as it should be, $bytes bytes and its bundles"

sources=$(printf '%s,' app/src/main/kotlin app/src/test/kotlin)
java -jar build/tools/ktlint-cli-all.jar 'app/src/**/*.kt'
java -jar build/tools/detekt-cli-all.jar --input "${sources%,}" --build-upon-default-config --config detekt.yml
mvn --quiet --batch-mode --file app/pom.xml org.codehaus.mojo:animal-sniffer-maven-plugin:1.28:check

COMPILED=1 ./test.sh "$@"
cd - >/dev/null

# The second build is signed as a release, with a key that is thrown away. The first APK takes its place again, also
# where this fails: nobody is to install what was signed with that key.
scratch=$(mktemp -d)
restore() {
    [ ! -f "$scratch/first.apk" ] || mv "$scratch/first.apk" "$here/$apk"
    rm -rf "$scratch"
}
trap restore EXIT
cp "$here/$apk" "$scratch/first.apk"
export PAN_KEYSTORE=$scratch/release.keystore PAN_KEY_ALIAS=release PAN_KEYSTORE_PASSWORD=thrown-away
keytool -genkeypair -keystore "$PAN_KEYSTORE" -storepass "$PAN_KEYSTORE_PASSWORD" -alias "$PAN_KEY_ALIAS" -keyalg RSA \
    -keysize 2048 -validity 1 -dname CN=thrown-away >/dev/null 2>&1
"$here/build.sh" "$@" >/dev/null
cmp "$here/build/aligned.apk" "$here/build/first-build" || fail "a second build gives other bytes"
has "$(apksigner verify --print-certs --min-sdk-version 26 "$here/$apk")" "^Signer #1 certificate DN: CN=thrown-away$" \
    "the release is signed with another key than PAN_KEYSTORE holds"
cp "$scratch/first.apk" "$here/$apk"
has "$(apksigner verify --print-certs "$here/$apk")" "^Signer #1 certificate DN: CN=debug$" "the key of debug builds is another"
echo "check.sh: a second build gives the same bytes, and a release has the key of the environment"
