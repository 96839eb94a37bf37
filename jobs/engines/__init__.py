"""Who runs the tasks of a landing: threads of this process, or Spark.

May import: config, clients, errors. Knows neither sources nor what a task does.
"""

ENGINES = ("auto", "in-process", "spark")
