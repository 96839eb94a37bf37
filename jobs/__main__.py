"""`python -m jobs`: the steps that need no Spark."""

import sys

from jobs.main import main

sys.exit(main())
