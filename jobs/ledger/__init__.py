"""What was delivered, landed, rejected and loaded: manifests, outcomes, run reports.

May import: clients, errors. Starts at once: no Spark, no Arrow.
"""
