#!/bin/sh
# Make .venv at the project's root: the package (editable), everything that users get, and the tools for
# tests, checks and documentation. Does nothing when that is done already.
set -eu
cd "$(dirname "$0")/.."
scripts=$PWD/scripts
environment=$PWD/.venv
python=$environment/bin/python
stamp=$environment/.complete

# Two commands at once: the second waits for the first, and then finds everything there.
exec 9<pyproject.toml
! command -v flock >/dev/null 2>&1 || flock 9

# A moved or copied .venv is of no use: its commands name the old place.
key=$(cat pyproject.toml scripts/environment.sh scripts/pip_install.sh | cksum)" $environment"
if [ "$(cat "$stamp" 2>/dev/null)" = "$key" ] && "$python" -c '' 2>/dev/null; then
    exit 0
fi

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# The first Python from 3.11 on that can make a virtual environment makes it.
make_environment() {
    for candidate in python3.11 python3.12 python3.13 python3 /usr/bin/python3; do
        is_new_enough "$candidate" || continue
        if message=$("$candidate" -m venv --clear "$environment" 2>&1); then
            return 0
        fi
        unable=${unable:-$candidate}
    done
    return 1
}

make_environment_with_apt() {
    package=python3-venv
    if [ -n "$unable" ]; then
        echo "$unable cannot make a virtual environment: $message" >&2
        package=$("$unable" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    else
        echo "No Python from 3.11 on was found." >&2
    fi
    sh "$scripts/apt_install.sh" "$package" && make_environment
}

# Without a stamp a set-up was interrupted or never begun: start afresh. With an old one: bring it up to date.
if [ ! -e "$stamp" ] || ! "$python" -c '' 2>/dev/null; then
    echo "Making $environment" >&2
    unable=
    message=
    make_environment || make_environment_with_apt
fi
rm -f "$stamp"

install() {
    sh "$scripts/pip_install.sh" "$python" -qq "$@"
}
echo "Installing packages into $environment (a few minutes the first time)" >&2
install --upgrade "pip>=25.1"
install --group torch
install --editable ".[all]" --group torch --group dev
"$python" -m pip check >&2
printf '%s\n' "$key" >"$stamp"
