#!/usr/bin/env bash
# conf/spark/exports.sh [LIST.sha256]...: prints the environment, NUL between variables, in which Spark can be started on
# this machine; what is missing is made or found first. Lists: jars besides Spark's own. Four variables more are for
# jobs/engines/jvm.py alone.
set -euo pipefail
# shellcheck source=setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../setup.sh"
# shellcheck source=conf/spark/jvm.sh
source "$ROOT/conf/spark/jvm.sh"
more="" # not on the class path of the archive, which would not fit any more
for list in "$@"; do more+=:$(jars "$ROOT/$list"); done
export PYTHONPATH=$ROOT${PYTHONPATH:+:$PYTHONPATH} # tasks import the package
[ -z "${CORETELECOMS_JVM:-}" ] || LARGE=""
exec env -0 class_path="$JARS" jars="$more" large_flags="$LARGE" cache="$CACHE"
