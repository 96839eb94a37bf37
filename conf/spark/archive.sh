#!/usr/bin/env bash
# Builds the class archive that jvm.sh uses, by one representative run on a tiny delivery; once a JRE and jar set.
set -euo pipefail
# shellcheck source=setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../setup.sh"
# shellcheck source=conf/spark/jvm.sh
source "$ROOT/conf/spark/jvm.sh"
[ ! -e "$ARCHIVE" ] || exit 0
# An archive of ours is laid on the JRE's own, which the wheel comes without; a JRE that cannot have one does without.
[ -e "$JAVA_HOME/lib/server/classes.jsa" ] || "$JAVA_HOME/bin/java" -Xshare:dump >/dev/null 2>&1 || exit 0
echo "building Spark's class archive in $ARCHIVE (once)" >&2
trap 'rm -f "$ARCHIVE.$$"' EXIT
export PYTHONPATH=$ROOT
export SPARK_SUBMIT_OPTS="-XX:ArchiveClassesAtExit=$ARCHIVE.$$ -Xlog:cds=off -Xlog:cds+dynamic=off $SPARK_SUBMIT_OPTS"
"$PYTHON" -m demo.representative
mv "$ARCHIVE.$$" "$ARCHIVE"
