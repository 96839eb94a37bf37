#!/usr/bin/env bash
# The one way in: ./spark-submit.sh STEP [--date D | --from D --to D] [--source S]... [--env E] [--master URL]
# (--help tells more). With --master a step that reads or loads goes through Spark's own spark-submit; all others are
# Python's, which starts Spark itself where a run is too large for this machine's threads, or Bronze is in BigQuery.
set -euo pipefail
# shellcheck source=setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
export PYTHONPATH=$ROOT${PYTHONPATH:+:$PYTHONPATH}

# --master is Spark's, not the step's.
master="" environment=local arguments=()
while [ $# -gt 0 ]; do
    case $1 in
    --master) master=${2:-} && shift ;;
    --master=*) master=${1#*=} ;;
    --env) environment=${2:-} && arguments+=("$1") ;;
    --env=*) environment=${1#*=} && arguments+=("$1") ;;
    *) arguments+=("$1") ;;
    esac
    shift || true
done
set -- "${arguments[@]}"

warehouse() {
    "$PYTHON" -S - "$environment" "$ROOT" <<'PY'
import pathlib, sys, tomllib
name, root = sys.argv[1:]
path = pathlib.Path(name if name.endswith(".toml") else f"{root}/conf/env/{name}.toml")
try:
    print(tomllib.loads(path.read_text())["warehouse"]["kind"])
except (OSError, ValueError, KeyError, TypeError):
    print("unknown")  # the step itself says what is wrong
PY
}

[ -n "$master" ] || exec "$PYTHON" -m jobs "$@"
WAREHOUSE=$(warehouse)
case ${1:-}/$WAREHOUSE in
ingest/* | run/* | load/bigquery) ;;
*) exec "$PYTHON" -m jobs "$@" ;;
esac
case " $* " in *" -h "* | *" --help "*) exec "$PYTHON" -m jobs "$@" ;; esac

case $master in
local*) ;;
*) SPARK_LOCAL_IP=${SPARK_LOCAL_IP-} ;; # not loopback: executors come back to the driver
esac
# shellcheck source=conf/spark/jvm.sh
source "$ROOT/conf/spark/jvm.sh"
options=(--master "$master" --driver-memory "${CORETELECOMS_DRIVER_MEMORY:-2g}" --driver-class-path "$JARS")
more="" # not on the class path of the archive, which would not fit any more
[ "$WAREHOUSE" != bigquery ] || more=$(jars "$ROOT/conf/spark/bigquery.sha256")
case $master in
local*) ;;
*) # A cluster's machines need Spark and nothing else: the package and the pinned jars are handed over.
    export CORETELECOMS_ROOT=$ROOT
    archive=$(package) # within the options its failure would not end us
    options+=(--py-files "$archive") && more=$JARS${more:+:$more} ;;
esac
[ -z "$more" ] || options+=(--jars "${more//:/,}")
exec "$SPARK_HOME/bin/spark-submit" "${options[@]}" "$ROOT/jobs/__main__.py" "$@"
