#!/usr/bin/env bash
# conf/spark/exports.sh [LIST.sha256]...: prints the environment, NUL between variables, in which Python can start Spark on
# this machine; what is missing (jars, a JRE's class archive's name) is made or found first. Lists: jars besides Spark's own.
set -euo pipefail
# shellcheck source=setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../setup.sh"
# shellcheck source=conf/spark/jvm.sh
source "$ROOT/conf/spark/jvm.sh"
options=(--driver-memory "${CORETELECOMS_DRIVER_MEMORY:-2g}" --driver-class-path "$JARS")
more="" # not on the class path of the archive, which would not fit any more
for list in "$@"; do more+=:$(jars "$ROOT/$list"); done
[ -z "$more" ] || { more=${more#:} && options+=(--jars "${more//:/,}"); }
export PYTHONPATH=$ROOT${PYTHONPATH:+:$PYTHONPATH} # tasks import the package
PYSPARK_SUBMIT_ARGS=$(printf '%q ' "${options[@]}")pyspark-shell
[ -n "${CORETELECOMS_JVM:-}" ] || export CORETELECOMS_JVM_LARGE=$LARGE
exec env -0
