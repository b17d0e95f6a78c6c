#!/bin/sh
# Run `pip install`, and take the CPU build of torch where no NVIDIA GPU is in the machine: the other build
# pulls gigabytes of CUDA libraries.
# Usage: pip_install.sh PYTHON ARGUMENT...
set -eu
python=$1
shift
cpu_index=https://download.pytorch.org/whl/cpu

lists_cpu_build() {
    "$python" -m pip index versions torch --retries 0 --timeout 5 "$@" 2>/dev/null | grep -q '+cpu'
}

# pip's own configuration comes first: it may already offer the CPU build, from a folder of wheels for example.
needs_cpu_index() {
    [ "$(uname -s)" = Linux ] || return 1
    ! nvidia-smi -L >/dev/null 2>&1 || return 1
    ! lists_cpu_build || return 1
    lists_cpu_build --index-url "$cpu_index"
}

case " $* " in
*torch*) if needs_cpu_index; then set -- --extra-index-url "$cpu_index" "$@"; fi ;;
esac
exec "$python" -m pip install "$@"
