"""Bronze as BigQuery tables: Spark's BigQuery connector fills a staging table, one transaction swaps the day.

Google's client and Spark are imported only by who loads here (docs/decisions/0005).
"""
