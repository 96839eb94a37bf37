#!/usr/bin/env bash
# The two pages, by Python in an environment of their own: ./pages.sh [--env E] [--out DIR | s3://BUCKET/PREFIX]
set -euo pipefail
# shellcheck source=setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
PAGES_PYTHON=${CORETELECOMS_PAGES_PYTHON:-$(environment "$ROOT/requirements/pages.txt")}
export PYTHONPATH=$ROOT${PYTHONPATH:+:$PYTHONPATH}
exec "$PAGES_PYTHON" -m pages "$@"
