# Sourced by ./run and ./test: finds a Python, and makes sure that .venv holds what a lock file asks for.
# The usual case (nothing to do) is one comparison of two files; everything else is tools/environment.py, under a lock.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

# Prints the first Python that is new enough. `python3` goes first: it is the one whose packages the machine's owner looks after.
find_python() {
    local name
    for name in ${MAKEWHOLE_PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14 python; do
        # Asked, not looked up: a name on the PATH may be a shim without a Python behind it.
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            echo "$name"
            return 0
        fi
    done
    {
        echo "makewhole: no Python 3.11 or newer was found."
        echo "  looked for: ${MAKEWHOLE_PYTHON:+$MAKEWHOLE_PYTHON (MAKEWHOLE_PYTHON), }python3, python3.11 to python3.14 and python on the PATH"
        echo "  what to do: install one (Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python@3.13),"
        echo "              or name one: MAKEWHOLE_PYTHON=/path/to/python3.12 $0"
    } >&2
    return 2
}

# ensure_environment LOCK…: any of these locks, as installed in .venv, will do; the first is installed if none is.
ensure_environment() {
    local lock home=
    # An environment keeps absolute paths: after a move of the checkout it is somebody else's.
    if [ -x "$root/.venv/bin/python" ] && { read -r home <"$root/.venv/installed/home"; } 2>/dev/null && [ "$home" = "$root/.venv" ]; then
        for lock in "$@"; do
            if cmp -s "$root/$lock" "$root/.venv/installed/$lock"; then return 0; fi
        done
    fi
    local python
    python=$(find_python) || return 2
    "$python" "$root/tools/environment.py" .venv "$1" --with-makewhole
}
