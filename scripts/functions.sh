# shellcheck shell=bash disable=SC2034
# Sourced by the scripts beside it. Afterwards the working directory is the repository's root.
set -euo pipefail
caller=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'atelier: %s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

# has_nvidia: whether there is an NVIDIA GPU.
has_nvidia() { [ -e /proc/driver/nvidia/version ] || { command -v nvidia-smi && nvidia-smi -L; } >/dev/null 2>&1; }

# need_program PROGRAM PACKAGE...: installs Debian's packages when the program is missing and we may.
need_program() {
    local program=$1
    shift
    command -v "$program" >/dev/null && return
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        fail "$program is missing. Install it, on Debian by: sudo apt-get install $*"
    fi
    say "installing $* from Debian, for $program"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "$@" >/dev/null
}

# find_uv: prints the path of uv, from PATH or else from a small environment of its own in .uv.
find_uv() {
    command -v uv && return
    if [ ! -x .uv/bin/uv ]; then
        say "uv, the installer, is missing: installing it into .uv with pip"
        python3 -m venv --clear .uv || fail "python3 cannot make a virtual environment. On Debian: sudo apt-get install python3-venv"
        .uv/bin/python -m pip install --quiet uv
    fi
    printf '%s\n' "$PWD/.uv/bin/uv"
}

# use_pip_settings: uv reads none of pip's settings, so hand it those that say where packages come from. An extra index is
# left out: the lock needs none, and uv would take a version's files from one index alone.
use_pip_settings() {
    give UV_DEFAULT_INDEX "$(pip_setting index-url)"
    give UV_FIND_LINKS "$(pip_setting find-links | tr -s ' \n' ',')"
    give SSL_CERT_FILE "$(pip_setting cert)"
}

# give NAME VALUE: exports the variable unless it is set or the value is empty.
give() {
    if [ -n "$2" ] && [ -z "${!1:-}" ]; then
        export "$1=$2"
    fi
}

# pip_setting NAME: one setting of pip's, from its environment variable or else from its files.
pip_setting() {
    local variable
    variable=PIP_$(printf '%s' "$1" | tr a-z- A-Z_)
    printf '%s' "${!variable:-$(python3 -m pip config get "global.$1" 2>/dev/null || true)}"
}
