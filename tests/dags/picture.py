"""A picture of a run for the docs: python -m tests.dags.picture http://127.0.0.1:PORT RUN_ID FILE.png

Of a stack that runs, with Debian's chromium; looked at before it is committed.
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

DAG = "coretelecoms_capstone"


def take(address: str, run_id: str, file: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1600, "height": 900})
        page.set_default_timeout(120_000)
        page.goto(address)
        page.fill("input[name=username]", "airflow")
        page.fill("input[name=password]", "airflow")
        page.keyboard.press("Enter")
        page.wait_for_url("**/")
        page.goto(f"{address}/dags/{DAG}/runs/{run_id}")
        page.wait_for_selector("text=ledger_balances")
        page.keyboard.press("g")
        page.wait_for_selector(".react-flow__node")
        page.wait_for_timeout(3000)
        page.screenshot(path=file)
        browser.close()


if __name__ == "__main__":
    take(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
