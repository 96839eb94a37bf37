"""What Airflow runs, and when."""
