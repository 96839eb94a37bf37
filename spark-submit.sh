#!/usr/bin/env bash
# The one way in: ./spark-submit.sh STEP [--date D | --from D --to D] [--source S]... [--env E] [--master URL]
# (--help tells more). Decides one thing: steps that need Spark go through Spark's own spark-submit, the others
# through Python alone.
set -euo pipefail
# shellcheck source=setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
export PYTHONPATH=$ROOT${PYTHONPATH:+:$PYTHONPATH}

# --master is Spark's, not the step's.
master="" arguments=()
while [ $# -gt 0 ]; do
    case $1 in
    --master) master=${2:-} && shift ;;
    --master=*) master=${1#*=} ;;
    *) arguments+=("$1") ;;
    esac
    shift || true
done
set -- "${arguments[@]}"

case ${1:-} in
ingest | run) ;;
*) exec "$PYTHON" -m jobs "$@" ;;
esac
case " $* " in *" -h "* | *" --help "*) exec "$PYTHON" -m jobs "$@" ;; esac

case $master in
"" | local*) ;;
*) export SPARK_LOCAL_IP=${SPARK_LOCAL_IP-} ;; # not loopback: executors come back to the driver
esac
# shellcheck source=conf/spark/jvm.sh
source "$ROOT/conf/spark/jvm.sh"
options=(--driver-memory "${CORETELECOMS_DRIVER_MEMORY:-2g}" --driver-class-path "$JARS")
case $master in
"") ;;
local*) options+=(--master "$master") ;;
*) # A cluster's machines need Spark and nothing else: the package and the pinned jars are handed over.
    export CORETELECOMS_ROOT=$ROOT
    options+=(--master "$master" --py-files "$(package)" --jars "${JARS//:/,}") ;;
esac
exec "$SPARK_HOME/bin/spark-submit" "${options[@]}" "$ROOT/jobs/main.py" "$@"
