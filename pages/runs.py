"""The run page."""
from datetime import datetime
from pathlib import Path
from jobs.settings import Environment, SourceContract
def page(environment: Environment, contracts: dict[str, SourceContract], out: Path, built_at: datetime) -> str:
    return ""
