"""Celery's settings of our workers: AIRFLOW__CELERY__CELERY_CONFIG_OPTIONS=dags.support.celery_config.CONFIG."""

from airflow.providers.celery.executors.default_celery import DEFAULT_CELERY_CONFIG

# Imported once, before the worker forks: it costs each task 2 seconds of CPU otherwise.
CONFIG = {**DEFAULT_CELERY_CONFIG, "imports": ["airflow.providers.amazon.aws.operators.emr"]}
