#!/bin/sh
# Install Debian packages when root; otherwise print the command that does it, and fail.
# Usage: apt_install.sh PACKAGE...
set -eu

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive
    echo "Installing system packages: $*" >&2
    # A stale list of one repository is no reason to stop: the installation says what is really missing.
    apt-get -qq update </dev/null >&2 || true
    exec apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install -y --no-install-recommends "$@" \
        </dev/null >&2
fi

cat >&2 <<END
System packages are missing. Install them as root, then run the same command again:
    apt-get update && apt-get install -y --no-install-recommends $*
END
exit 1
