"""Who is spoken to: folders and S3 in the same words, HTTP, Postgres, and where secrets stand.

May import: errors.
"""
