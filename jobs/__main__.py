"""`python -m jobs`: what spark-submit.sh runs, but for runs on a master, which Spark's own spark-submit starts."""

import sys

from jobs.main import main

sys.exit(main())
