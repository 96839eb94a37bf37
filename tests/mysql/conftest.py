from tests.spark.conftest import session  # noqa: F401 - one JVM
