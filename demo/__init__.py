"""What stands in for the suppliers: generated deliveries and a local Postgres."""
