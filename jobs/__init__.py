"""CoreTelecoms ELT: lands each source's day in the lake, loads it into Bronze, and accounts for every row."""

from pathlib import Path

_COMMIT = Path(__file__).with_name("COMMIT")  # only an image has it
VERSION = "0.1.0" + (f"+{_COMMIT.read_text(encoding='utf-8').strip()}" if _COMMIT.exists() else "")
