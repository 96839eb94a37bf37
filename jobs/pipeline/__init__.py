"""From what was asked for to what was done: plan, ingest, load, status.

May import: sources, bronze, landing, engines, ledger, contracts, config, clients, errors.
"""
