"""Bronze: the source's tables in the warehouse, one shape (`bronze.py`) with a folder for each warehouse.

May import: contracts, landing, engines, config, ledger, clients, metadata, errors. The warehouses do not know each
other, and whoever needs Bronze gets it from `choice.py` and knows its shape alone.
"""
