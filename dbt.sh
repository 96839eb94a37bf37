#!/usr/bin/env bash
# Silver and Gold, by dbt in an environment of its own:
# ./dbt.sh build [--from D --to D] [--full] [--layer silver | gold] [--env E] | headline | docs | query SQL
set -euo pipefail
# shellcheck source=setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

# --env is the jobs': they resolve its secrets and call this script again, with them in its environment.
environment="" arguments=()
while [ $# -gt 0 ]; do
    case $1 in
    --env) environment=${2:-} && shift ;;
    --env=*) environment=${1#*=} ;;
    *) arguments+=("$1") ;;
    esac
    shift || true
done
if [ -n "$environment" ]; then
    again=(env PYTHONPATH="${PYTHONPATH:-}" "$ROOT/dbt.sh" "${arguments[@]}")
    PYTHONPATH=$ROOT${PYTHONPATH:+:$PYTHONPATH} exec "$PYTHON" -m jobs dbt --env "$environment" -- "${again[@]}"
fi
lock=requirements/dbt.txt
[ "${CORETELECOMS_TARGET:-local}" = local ] || lock=requirements/dbt-$CORETELECOMS_TARGET.txt
DBT_PYTHON=${CORETELECOMS_DBT_PYTHON:-$(environment "$ROOT/$lock")}
exec "$DBT_PYTHON" "$ROOT/dbt/build.py" "${arguments[@]}"
