#!/usr/bin/env bash
# Brings the nats-server of a Debian release into a folder, and prints where its program is:
#   scripts/nats-server.sh FOLDER [RELEASE]        the release is sid by default, the newest
# The program is static: that of a later release runs on an older one. Root isn't needed, and nothing is installed.
# Needs apt-get and dpkg, and Debian's archive keys.
set -eu
to=${1:?"Give a folder, e.g. scripts/nats-server.sh data/nats-server"}
release=${2:-sid}
keys=/usr/share/keyrings/debian-archive-keyring.gpg
if [ ! -r "$keys" ]; then
  echo "Debian's archive keys aren't there ($keys): install debian-archive-keyring." >&2
  exit 1
fi
mkdir -p "$to/lists/partial" "$to/archives/partial"
to=$(cd "$to" && pwd)

# The mirror that apt uses already; Debian's own where it uses none.
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
  grep -E '^(URIs:|deb )' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ' || true)
echo "deb [signed-by=$keys] ${mirror:-http://deb.debian.org/debian} $release main" >"$to/apt.list"

# Lists and archives of its own: those of the system stay as they are.
apt() {
  apt-get -o Dir::Etc::SourceList="$to/apt.list" -o Dir::Etc::SourceParts=- -o Dir::State::Lists="$to/lists" \
    -o Dir::Cache::Archives="$to/archives" -o APT::Sandbox::User="$(id -un)" "$@" >>"$to/log" 2>&1
}
if ! (cd "$to" && apt update && apt download nats-server && dpkg -x nats-server_*.deb .); then
  tail -n 3 "$to/log" >&2
  exit 1
fi
rm -rf "$to/lists" "$to/archives" "$to/apt.list" "$to"/nats-server_*.deb
echo "$to/usr/sbin/nats-server"
