"""`python -m jobs`: what spark-submit.sh runs, but for runs on a master, which Spark's own spark-submit starts."""

import gc
import sys

gc.disable()  # while modules are loaded: nothing of them is garbage, and looking for it costs a small day a twentieth

from jobs.main import main  # noqa: E402

gc.freeze()  # nor will it be: looked at again and again during a run, it costs a small day a tenth
gc.enable()
sys.exit(main())
