#!/bin/sh
# The programs and fonts that drawing and reading tables needs, and the tests with it: what is missing is installed by
# root or through sudo; where neither can be had, the exact command is printed.
set -eu
PATH=$PATH:/usr/sbin:/sbin
missing=""
need() { missing="$missing $1"; }
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || need chromium
command -v pdftoppm >/dev/null || need poppler-utils
command -v tesseract >/dev/null || need tesseract-ocr
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || need postgresql
command -v fc-match >/dev/null || need fontconfig
ldconfig -p 2>/dev/null | grep -q libpangoft2-1.0 || need libpangoft2-1.0-0
has_font() { fc-list ":family=$1" 2>/dev/null | grep -q .; }
has_font "Liberation Sans" || need fonts-liberation
has_font "Noto Sans CJK SC" || need fonts-noto-cjk
has_font "Noto Naskh Arabic" || need fonts-noto-core
has_font "Noto Color Emoji" || need fonts-noto-color-emoji
[ -n "$missing" ] || exit 0
command="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" = 0 ]; then root=""
elif sudo -n true 2>/dev/null; then root="sudo "
else echo "these packages are needed, and nobody here may install them; run: sudo $command" >&2; exit 1
fi
command -v apt-get >/dev/null || { echo "install by your system's own means what Debian calls:$missing" >&2; exit 1; }
export DEBIAN_FRONTEND=noninteractive
{ ${root}apt-get update && ${root}$command; } >/tmp/mmret-system-packages.log 2>&1 \
    || { tail -5 /tmp/mmret-system-packages.log >&2; echo "failed: $root$command" >&2; exit 1; }
