"""Bronze in Snowflake: staged by COPY INTO from exactly the manifest's files, counted, published in one transaction.

Snowflake reads the lake itself, through an external stage: a load moves no row through this machine and starts no
JVM. DDL commits, so it all stands before the transaction (docs/snowflake.md).
"""
