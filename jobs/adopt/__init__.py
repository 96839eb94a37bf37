"""What `adopt` finds in deliveries that no source contract describes yet, and the drafts that it makes of that.

May import: sources, contracts and all below them. Everything is found in a sample, and asked where it is not certain.
"""
