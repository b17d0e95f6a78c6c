#!/bin/sh
# See to it that a virtual screen can start: Xvfb, and the libraries that Qt and OpenGL load at run time.
set -eu
here=$(dirname "$0")

packages="xauth xvfb libdbus-1-3 libegl1 libfontconfig1 libgl1 libgl1-mesa-dri libglib2.0-0 libopengl0
libx11-xcb1 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0
libxcb-shape0 libxcb-xfixes0 libxcb-xinerama0 libxcb-xkb1 libxkbcommon-x11-0 libxkbcommon0"

if ! command -v dpkg-query >/dev/null 2>&1; then
    command -v xvfb-run >/dev/null 2>&1 && exit 0
    echo "The tests need a virtual screen: install Xvfb with xvfb-run and the xcb libraries of Qt 6." >&2
    exit 1
fi

# Newer releases append t64 to the names of some libraries.
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sed 's/t64$//')
missing=
for package in $packages; do
    printf '%s\n' "$installed" | grep -qx "$package" || missing="$missing $package"
done
# The names are separate words on purpose.
# shellcheck disable=SC2086
[ -z "$missing" ] || exec sh "$here/apt_install.sh" $missing
