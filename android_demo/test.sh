#!/usr/bin/env bash
# Tests of the app on the JVM by Robolectric, with the phone's own TensorFlow Lite for x86_64 through
# the stand-ins: android_demo/test.sh BUNDLE [BUNDLE ...]
#
# Writes a picture of every screen to build/pictures. PLANES=NAME-WIDTHxHEIGHT.i420 is what the camera
# of the pictures shows, a texture unless given; REPORT=FILE writes what the benchmark by adb writes
# (tests/golden/android_benchmark.json). TESTS names test classes; all run unless given.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -gt 0 ] || { echo "usage: test.sh BUNDLE [BUNDLE ...]" >&2; exit 2; }
[ -n "${COMPILED:-}" ] || ONLY=classes "$here/build.sh" "$@"
cd "$here"

rm -rf build/test-classes build/test-jars build/pictures
mkdir -p build/test-classes/com/android/tools build/test-jars
# Maven leaves AARs off the class path.
for aar in build/robolectric/*.aar; do unzip -qop "$aar" classes.jar >"build/test-jars/$(basename "$aar" .aar).jar"; done
library=build/aar/tensorflow-lite/jni/x86_64/libtensorflowlite_jni.so
[ -f build/standins-x86_64/libc.so ] || standins/build.sh "$library" build/standins-x86_64

# The example of core/README.md, as a function.
mkdir -p build/generated-test
{
    printf 'package pan.demo\n\nimport android.media.Image\nimport pan.engines.TfliteEngine\nimport java.io.File\n'
    printf 'import pan.core.%s\n' LiveRecogniser 'answer.*' 'bundle.*' 'engine.*' 'frames.*'
    printf '\nfun readmeExample(folder: File, show: (List<Pair<String, Double>>) -> Unit): (Image, Int) -> Unit {\n'
    sed -n '/^```kotlin$/,/^```$/{/^```/d;p}' core/README.md
    printf 'return ::onImage\n}\n'
} >build/generated-test/ReadmeExample.kt

compiler=$(printf '%s:' build/tools/kotlin-*.jar build/tools/kotlinx-*.jar build/tools/annotations.jar)
app=build/app.jar:$(printf '%s:' build/jars/*.jar)build/tools/kotlin-stdlib.jar
robolectric=$(printf '%s:' build/robolectric/*.jar build/test-jars/*.jar)
# android.jar goes last, for Robolectric's own classes are to be found first.
path=$app:$robolectric:build/tools/android-all.jar
java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$compiler" org.jetbrains.kotlin.cli.jvm.K2JVMCompiler -no-stdlib -no-reflect \
    -jvm-target 17 -Werror -cp "$path" -d build/test-classes app/src/test/kotlin build/generated-test
cp app/src/test/resources/robolectric.properties build/test-classes/
cat >build/test-classes/com/android/tools/test_config.properties <<CONFIG
android_resource_apk=$here/build/base.apk
android_merged_manifest=$here/app/src/main/AndroidManifest.xml
android_merged_assets=$here/build/assets
android_custom_package=pan.demo
CONFIG

tests=${TESTS:-$(cd app/src/test/kotlin && find . -name '*Test.kt' | sed 's|^\./||; s|/|.|g; s|\.kt$||' | LC_ALL=C sort | tr '\n' ' ')}
# shellcheck disable=SC2086 (a list)
timeout "${LIMIT:-540}" java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx2g -Drobolectric.offline=true "-Drobolectric.dependency.dir=$here/build/robolectric-android" \
    "-Dstandins=$here/build/standins-x86_64" "-Dtflite.library=$here/$library" "-Dpictures=$here/build/pictures" "-Dgolden=$here/../tests/golden/android_benchmark.json" \
    ${PLANES:+"-Dplanes=$PLANES"} ${REPORT:+"-Dreport=$REPORT"} \
    -cp "build/test-classes:$path" org.junit.runner.JUnitCore $tests
