"""What the DAG's tasks do: they submit, wait, judge and tell; nothing is transformed here."""
