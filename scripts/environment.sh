# Sourced by the scripts beside it: a virtual environment in .venv, made once and kept in step with the project's files.
# Needs python3 (3.11 or later) with venv, nothing else.

root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)

find_python() {
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "verify needs Python 3.11 or later: install it and try again" >&2
    exit 2
}

# ensure EXTRA: install the project, with its extra dependencies if EXTRA is not empty
ensure() {
    stamp="$root/.venv/.verify-${1:-base}"
    state=$(cat "$root/pyproject.toml" "$root/constraints.txt" | cksum)
    if [ "$(cat "$stamp" 2>/dev/null)" = "$state" ] && [ -x "$root/.venv/bin/verify" ]; then
        return
    fi
    if [ ! -x "$root/.venv/bin/python" ] || ! "$root/.venv/bin/python" -m pip --version >/dev/null 2>&1; then
        python=$(find_python)
        "$python" -m venv "$root/.venv" || {
            echo "cannot make a virtual environment: install python3-venv and try again" >&2
            exit 2
        }
    fi
    echo "installing into .venv ..." >&2
    "$root/.venv/bin/python" -m pip install --quiet --disable-pip-version-check \
        --constraint "$root/constraints.txt" --editable "$root${1:+[$1]}" >&2
    printf '%s' "$state" >"$stamp"
}
