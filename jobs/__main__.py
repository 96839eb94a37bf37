"""`python -m jobs`: what spark-submit.sh runs, but for runs on a master, which Spark's own spark-submit starts."""

import gc
import os
import sys

gc.disable()  # while modules are loaded: nothing of them is garbage, and looking for it costs a small day a twentieth

os.environ.setdefault(
    "PYDANTIC_DISABLE_PLUGINS", "__all__"
)  # there are none: to look reads the metadata of each package

from jobs.main import main  # noqa: E402

gc.freeze()  # nor will it be: looked at again and again during a run, it costs a small day a tenth
gc.set_threshold(50_000)  # what a run makes is seldom garbage that only this finds; nor are modules loaded later
gc.enable()
sys.exit(main())
