#!/usr/bin/env bash
# Makes the folder that hardware/install.sh --offline installs from: on any machine with a network, for a Pi without one.
# Copy the whole folder to the Pi (a USB stick, scp) and there: sudo DIR/hardware/install.sh --offline DIR
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: hardware/wheels.sh [--machine aarch64|x86_64] [--python VERSION] DIR

  --machine   of the Pi, as `uname -m` says there; aarch64
  --python    its Python: 3.11 of Bookworm (the default), 3.13 of Trixie
TEXT
}
fail() {
    echo "wheels.sh: $*" >&2
    exit "${code:-1}"
}

machine=aarch64 version=3.11 folder=''
while [ $# -gt 0 ]; do
    case $1 in
        --machine) machine=${2:-} && shift ;;
        --python) version=${2:-} && shift ;;
        --help | -h) usage && exit 0 ;;
        -*) code=2 fail "$1: no such option (see --help)" ;;
        *) folder=$1 ;;
    esac
    [ $# -gt 0 ] || break
    shift
done
[ -n "$folder" ] || code=2 fail "name the folder to make (see --help)"
case $machine in aarch64 | x86_64) ;; *) code=2 fail "--machine $machine: aarch64 or x86_64" ;; esac
[[ $version =~ ^3\.[0-9]+$ ]] || code=2 fail "--python $version: as 3.11"

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=$root/.venv/bin/python
[ -x "$python" ] || python=$(command -v python3) || fail "no python3"
"$python" -m pip --version >/dev/null 2>&1 || fail "$python has no pip: sudo apt install python3-pip, or make setup"
pip=("$python" -m pip --disable-pip-version-check -q)

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
rm -f "$folder"/asvkit-*.whl
if "$python" -c 'import hatchling, editables' 2>/dev/null; then
    "${pip[@]}" wheel --no-deps --no-build-isolation -w "$folder" "$root"
else
    "${pip[@]}" wheel --no-deps -w "$folder" "$root"
fi
wheel=$(echo "$folder"/asvkit-*.whl)
platforms=()
for platform in manylinux_2_34 manylinux_2_31 manylinux_2_28 manylinux_2_27 manylinux_2_17 manylinux2014; do
    platforms+=(--platform "${platform}_$machine")
done
abi=cp${version/./}
"${pip[@]}" download --only-binary=:all: "${platforms[@]}" --python-version "$version" --implementation cp \
    --abi "$abi" --abi abi3 --abi none --constraint "$root/requirements/run.txt" -d "$folder" "${wheel}[pi]" pip
cp "$root/requirements/run.txt" "$folder/run.txt"
echo "$machine $version" >"$folder/made-for"
rm -rf "$folder/hardware"
mkdir -p "$folder/hardware"
(cd "$root/hardware" && cp -r ./*.sh ./*.service ./*.rules ./*.toml ./*.md ./*.svg boot system "$folder/hardware/")
mkdir -p "$folder/docs"
cp "$root"/docs/*.md "$folder/docs/"
echo "$folder: $(find "$folder" -name '*.whl' | wc -l) wheels, $(du -sm "$folder" | cut -f1) MB, for $machine and Python $version"
echo "on the Pi: sudo $(basename "$folder")/hardware/install.sh --offline $(basename "$folder")"
