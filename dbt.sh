#!/usr/bin/env bash
# Silver and Gold, by dbt in an environment of its own: ./dbt.sh build [--from D --to D] | headline | docs | query SQL
set -euo pipefail
# shellcheck source=setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
DBT_PYTHON=${CORETELECOMS_DBT_PYTHON:-$(environment "$ROOT/requirements/dbt.txt")}
exec "$DBT_PYTHON" "$ROOT/dbt/build.py" "$@"
