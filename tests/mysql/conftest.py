from tests.spark.conftest import session  # noqa: F401 - a fixture, found by its name here: a process has one JVM
