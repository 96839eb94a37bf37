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
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
export PYTHONPATH=$ROOT
"$PYTHON" -m demo.faithful --out "$work/sources" --from 2025-11-20 --to 2025-11-20 --calls 300 --customers 300 >/dev/null
cat >"$work/archive.toml" <<TOML
sources = "$work/sources"
lake = "$work/lake"
logs = "$work/logs"
warehouse = { kind = "delta", path = "$work/bronze" }
secrets = { database = "file:$work/secrets" }
postgres = { sslmode = "disable" }
deliveries = { agents = { kind = "csv", paths = ["agents/agents.csv"] } }
TOML
export SPARK_SUBMIT_OPTS="-XX:ArchiveClassesAtExit=$ARCHIVE.$$ -Xlog:cds=off -Xlog:cds+dynamic=off $SPARK_SUBMIT_OPTS"
"$PYTHON" -m demo.postgres --folder "$work/postgres" --secrets "$work/secrets" --load "$work/sources/web_forms" -- \
    "$ROOT/spark-submit.sh" run --engine spark --env "$work/archive.toml" --date 2025-11-20 \
    --source call_logs --source social_media --source customers --source agents --source web_forms >"$work/out" 2>&1 || {
    cat "$work/out" >&2
    exit 70
}
mv "$ARCHIVE.$$" "$ARCHIVE"
