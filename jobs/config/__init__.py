"""What an environment decides, as frozen models read from `conf/env/*.toml`.

May import: clients, errors.
"""
