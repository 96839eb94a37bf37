"""Airflow's part: the DAG itself, and the whole stack as native processes."""
