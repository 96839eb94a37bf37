"""`python -m jobs`: what spark-submit.sh runs, but for runs on a master, which Spark's own spark-submit starts."""

import sys

from jobs import absent

absent.hide()

from jobs.main import main  # noqa: E402 - pyarrow comes with it

sys.exit(main())
