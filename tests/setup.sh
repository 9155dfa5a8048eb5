#!/usr/bin/env bash
# Installs what the demo or the tests need and is not there; does nothing when all is there.
#
#     tests/setup.sh demo|test
#
# Packages come from apt, as root or through sudo. A Rust toolchain is only looked for.
set -euo pipefail
cd "$(dirname "$0")/.."
purpose=${1:?usage: tests/setup.sh demo|test}

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif has sudo; then
        sudo "$@"
    else
        die "this needs root, and there is no sudo. As root, run: $*"
    fi
}

updated=
install() {
    has apt-get || die "please install: $* (there is no apt-get here)"
    say "installing $* with apt-get"
    if [ -z "$updated" ]; then
        as_root apt-get -qq update
        updated=yes
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null
}

# The directory of the newest PostgreSQL server, as tests/servers.py finds it.
server() {
    find /usr/lib/postgresql -path '*/bin/postgres' 2>/dev/null | sort -V | tail -n 1 || true
}

if ! has cargo; then
    die "cargo was not found. Install Rust 1.89 or later as https://rustup.rs says, open a new shell, and try again."
fi

packages=()
if ! has cc || ! has gcc; then
    packages+=(gcc libc6-dev)
fi
if [ "$purpose" = test ]; then
    has g++ || packages+=(g++)
    has nm || packages+=(binutils)
    has openssl || packages+=(openssl)
    has valgrind || packages+=(valgrind)
    if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        packages+=(python3-venv)
    fi
    has prlimit || packages+=(util-linux)
    # The library that gives a server another time; the package puts the program there, too.
    has faketime || packages+=(faketime)
    # QGIS has bindings for the Python of the system only, so its tests run on that one.
    /usr/bin/python3 -c 'import qgis.core' 2>/dev/null || packages+=(qgis python3-qgis)
    /usr/bin/python3 -c 'import pytest' 2>/dev/null || packages+=(python3-pytest)
    has Xvfb || packages+=(xvfb)
    # What xvfb-run needs, and the package only recommends.
    has xauth || packages+=(xauth)
    # What catalogues are compared with their sources by.
    has msgfmt || packages+=(gettext)
    has lrelease || packages+=(qttools5-dev-tools)
    has pylupdate5 || packages+=(pyqt5-dev-tools)
    # The buttons of Qt in French, for pictures.
    [ -e /usr/share/qt5/translations/qtbase_fr.qm ] || packages+=(qttranslations5-l10n)
    # In which the report of a synchronisation is looked at.
    has chromium || has google-chrome || packages+=(chromium)
    # What a mirror is measured against.
    has lftp || packages+=(lftp)
fi
# An FTP server without MLSD.
has vsftpd || [ -x /usr/sbin/vsftpd ] || packages+=(vsftpd)
[ ${#packages[@]} = 0 ] || install "${packages[@]}"

if [ -z "${LIZSYNC_PG_BIN:-}" ]; then
    if [ -z "$(server)" ] && ! has postgres; then
        # The package starts a server of its own when it is installed; ours are private ones.
        quiet=/etc/postgresql-common/createcluster.d/lizsync-setup.conf
        trap 'as_root rm -f "$quiet"' EXIT
        as_root mkdir -p "${quiet%/*}"
        echo 'create_main_cluster = false' | as_root tee "$quiet" >/dev/null
        install postgresql
        as_root rm -f "$quiet"
        trap - EXIT
    fi
    version=$(server | cut -d/ -f5)
    if [ -n "$version" ] && [ ! -e "/usr/share/postgresql/$version/extension/postgis.control" ]; then
        install "postgresql-$version-postgis-3"
    fi
fi

if [ "$purpose" = test ]; then
    for component in fmt clippy; do
        if ! cargo "$component" --version >/dev/null 2>&1; then
            has rustup || die "cargo $component was not found; install that part of your Rust toolchain."
            say "adding cargo $component with rustup"
            rustup component add "${component/fmt/rustfmt}"
        fi
    done
    if [ ! -e .venv/ready ] || [ tests/python/requirements.txt -nt .venv/ready ]; then
        say "making .venv for the Python tests"
        # A Python of pyenv may lack venv where that of the system has it.
        python3 -m venv --clear .venv 2>/dev/null || /usr/bin/python3 -m venv --clear .venv
        .venv/bin/python -m pip install --quiet --disable-pip-version-check -r tests/python/requirements.txt
        touch .venv/ready
    fi
    # What “make test” needs of other versions; “make versions” fetches the rest when it gets there.
    python3 tests/versions.py fetch 12 18 clients >/dev/null
fi
