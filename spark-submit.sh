#!/usr/bin/env bash
# The one way in: ./spark-submit.sh STEP [--date D | --from D --to D] [--source S]... [--env E] [--master URL]
# (--help tells more).
set -euo pipefail
# shellcheck source=setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
export PYTHONPATH=$ROOT${PYTHONPATH:+:$PYTHONPATH}
exec "$PYTHON" -m jobs "$@"
