"""From splits to a landing: each split becomes one Parquet file and one of rejected rows, balanced by itself.

May import: ledger, clients, metadata, errors. Knows no kind of source and no engine.
"""
