#!/bin/sh
# Installs the Debian packages that the tests with real servers need. Their services are not started: the tests start
# servers of their own. Where that cannot be done it says what to do; those tests are skipped then.
set -u

missing=$(${CARGO:-cargo} run -q -p servers -- packages) || exit 1
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Tests with real servers will be SKIPPED. To run them, as root: apt-get install --no-install-recommends $missing" >&2
    exit 0
fi

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
# Word splitting is meant: a package each.
if ! { apt-get update -q && apt-get install -y -q --no-install-recommends $missing; }; then
    echo "Could not install $missing: tests with real servers will be SKIPPED" >&2
fi
