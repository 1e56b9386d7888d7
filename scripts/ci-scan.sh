#!/usr/bin/env bash
# Scans what a job of CI is about, and passes its arguments on to `sallyport scan`. Which commits that are, the job says in variables:
#   SCAN_RANGE    A..B, if it knows better than what follows
#   SCAN_BASE     where a pull or merge request branched off
#   SCAN_BEFORE   where the branch was before a push; zeros for a new one
#   SCAN_DEFAULT  the name of the default branch, for new ones
#   SCAN_HEAD     the newest commit; what is checked out, if not said
# Where none of them says what is new, the whole history is scanned: more than needed, never less.
set -euo pipefail
sallyport=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)/sallyport

is_commit() { git rev-parse --verify --quiet --end-of-options "$1^{commit}" >/dev/null; }

head=${SCAN_HEAD:-HEAD}
what=(--history)
if [ -n "${SCAN_RANGE:-}" ]; then
  what=(--range "$SCAN_RANGE")
elif [ -n "${SCAN_BASE:-}" ]; then
  what=(--range "$SCAN_BASE..$head")
elif [[ ${SCAN_BEFORE:-} =~ [1-9a-f] ]] && is_commit "$SCAN_BEFORE"; then
  what=(--range "$SCAN_BEFORE..$head")
elif [ -n "${SCAN_DEFAULT:-}" ] && is_commit "refs/remotes/origin/$SCAN_DEFAULT" && is_commit "$head" &&
  ! git merge-base --is-ancestor "$head" "refs/remotes/origin/$SCAN_DEFAULT"; then
  what=(--range "refs/remotes/origin/$SCAN_DEFAULT..$head")
fi
exec "$sallyport" scan "${what[@]}" "$@"
