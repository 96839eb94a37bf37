"""One module a kind of source. Each gives `look` (what is delivered) and `reading` (how it is read)."""
