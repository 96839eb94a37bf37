"""Who runs the tasks of a landing: threads of this process, or Spark.

May import: landing, settings, errors. Knows no kind of source.
"""
