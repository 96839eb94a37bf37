"""How each kind of source is looked at, cut into splits, and read as Arrow batches of text.

May import: landing, engines, contracts, config, clients, errors. The kinds do not know each other.
"""
