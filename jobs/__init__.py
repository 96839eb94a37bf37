"""CoreTelecoms ELT: lands each source's day in the lake, loads it into Bronze, and accounts for every row."""

VERSION = "0.1.0"
