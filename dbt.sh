#!/usr/bin/env bash
# Silver and Gold, by dbt in an environment of its own:
# ./dbt.sh build [--from D --to D [--look-back]] [--full] [--layer silver | gold] [--env E] | headline | docs |
#     query SQL [--limit N] [--csv FILE] | export FILE
set -euo pipefail
# shellcheck source=setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
export PYTHONPATH=$ROOT${PYTHONPATH:+:$PYTHONPATH}
exec "$PYTHON" -m jobs dbt "$@"
