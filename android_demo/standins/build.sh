#!/usr/bin/env bash
# Builds libraries that stand in for Android's libc, libm, libdl and liblog on Linux with glibc, so that a library of
# an AAR can be loaded there as it is, byte for byte.
#
#     android_demo/standins/build.sh LIB.so FOLDER
#
# LIB.so is for x86_64 or for arm64-v8a; the latter is run by qemu-user and needs gcc-aarch64-linux-gnu and
# libc6-dev-arm64-cross. README.md says how the result is used.
set -euo pipefail
sources=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
library=${1:?"usage: build.sh LIB.so FOLDER"}
folder=${2:?"usage: build.sh LIB.so FOLDER"}

case $(readelf --file-header "$library" | sed -n 's/^ *Machine: *//p') in
    AArch64)
        compiler=aarch64-linux-gnu-gcc
        jump='adrp x16, :got:%s; ldr x16, [x16, :got_lo12:%s]; br x16'
        ;;
    *X86-64)
        compiler=gcc
        jump='jmp *%s@GOTPCREL(%%rip)'
        ;;
    *)
        echo "build.sh: $library is neither for x86_64 nor for arm64-v8a" >&2
        exit 2
        ;;
esac
if ! command -v "$compiler" >/dev/null; then
    echo "build.sh: $compiler is not here; as root: apt-get install gcc gcc-aarch64-linux-gnu libc6-dev-arm64-cross" >&2
    exit 2
fi
mkdir -p "$folder"

# Undefined functions of the library's own C library, which carry the version LIBC.
wanted=$(readelf --dyn-syms --wide "$library" |
    awk '$7 == "UND" && $8 ~ /@LIBC/ { sub(/@.*/, "", $8); print $8 }' | sort -u)
# Those of bionic.c, by the names they have on Android.
written=$(sed -n 's/.*\/\* as \([a-zA-Z_]*\) \*\/.*/\1/p' "$sources/bionic.c")

# Symbol versions have to be given in the unit that defines the symbol, so the functions that are
# handed on to glibc join those of bionic.c in one assembly file.
{
    "$compiler" -O2 -fPIC -S -o - "$sources/bionic.c" | grep -v GNU-stack
    echo .text
    for name in $wanted; do
        if grep -qx "$name" <<<"$written"; then
            echo ".symver bionic_$name,$name@LIBC"
        else
            # shellcheck disable=SC2059 (the format differs by processor)
            printf ".globl to_$name; .type to_$name,@function; to_$name: ${jump//%s/$name}\n"
            echo ".symver to_$name,$name@LIBC"
        fi
    done
    echo '.section .note.GNU-stack,"",%progbits'
} >"$folder/libc.s"
echo 'LIBC {};' >"$folder/versions"
"$compiler" -shared -fPIC -o "$folder/libc.so" "$folder/libc.s" \
    -Wl,-soname,libc.so -Wl,--version-script="$folder/versions" -lm -ldl

# The functions of these two are in libc.so as well; the loader only looks for the version.
for name in m dl; do
    printf '.globl none; none: ret; .symver none,none_%s@LIBC\n.section .note.GNU-stack,"",%%progbits\n' "$name" |
        "$compiler" -shared -x assembler -o "$folder/lib$name.so" - \
            -Wl,-soname,"lib$name.so" -Wl,--version-script="$folder/versions"
done
"$compiler" -shared -fPIC -O2 -o "$folder/liblog.so" "$sources/log.c" -Wl,-soname,liblog.so
"$compiler" -O2 -Wall -Wextra -Werror -o "$folder/run_model" "$sources/run_model.c" -ldl
rm "$folder/libc.s" "$folder/versions"
