"""One module a command of the command line: what it asks of the pipeline, what it prints, and its exit code.

May import: pipeline and all below it. Knows how to write for a person, not how arguments are parsed.
"""
