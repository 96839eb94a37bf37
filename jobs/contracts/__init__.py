"""What a source promises, as `conf/sources/*.toml` says it, and a delivery's header held against that.

May import: config, clients, metadata, errors.
"""
