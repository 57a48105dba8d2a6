#!/usr/bin/env bash
# Makes sure the dependencies of package-lock.json are there, so that `npm start` is the only command a newcomer needs.
# Needs nothing but npm: it runs before there is a node_modules.
set -euo pipefail
cd "$(dirname "$0")/.."

# npm rewrites this file at the end of every install; with an older date than the lock, the install is missing or stale.
installed=node_modules/.package-lock.json
if [[ -f $installed && ! package-lock.json -nt $installed ]]; then exit 0; fi

echo "Installing the dependencies of MCP Session Broker; this happens once and takes about a minute."
# npm ci and not npm install: it never writes the lock file, whatever the npm of this machine would like to add to it.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! npm ci --no-audit --no-fund --loglevel=error >"$log" 2>&1; then
  cat "$log" >&2
  echo "The dependencies could not be installed: see npm's message above, then run npm start again." >&2
  exit 1
fi
# When nothing had to change npm leaves its file alone, and the next start would install again.
touch "$installed"
