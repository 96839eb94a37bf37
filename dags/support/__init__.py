"""What the DAG's tasks do: they submit, wait, judge and tell; nothing is transformed here.

`steps` has the tasks that run commands: `here` on the worker, or by `emr` on EMR Serverless. Of `jobs` only settings,
ledger and errors may be imported.
"""
