#!/usr/bin/env bash
# The one way in: ./spark-submit.sh STEP [--date D | --from D --to D] [--source S]... [--env E]; --help tells more.
# Decides one thing: steps that need Spark go through Spark's own spark-submit, the others through Python alone.
set -euo pipefail
# shellcheck source=setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
export PYTHONPATH=$ROOT${PYTHONPATH:+:$PYTHONPATH}

case ${1:-} in
ingest | run) ;;
*) exec "$PYTHON" -m jobs "$@" ;;
esac
case " $* " in *" -h "* | *" --help "*) exec "$PYTHON" -m jobs "$@" ;; esac

# shellcheck source=conf/spark/jvm.sh
source "$ROOT/conf/spark/jvm.sh"
exec "$SPARK_HOME/bin/spark-submit" --driver-memory "${CORETELECOMS_DRIVER_MEMORY:-2g}" --driver-class-path "$JARS" --conf "spark.executor.extraClassPath=$JARS" \
    "$ROOT/jobs/main.py" "$@"
