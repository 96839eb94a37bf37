"""Bronze as Delta tables: a landing's Parquet files are taken over as they are, by one commit of the Delta log.

Not by Spark: the files already are what Bronze holds (docs/decisions/0002). Silver and Gold are in one DuckDB file.
"""
