"""Pictures of a running stack for the docs: python -m tests.dags.screenshots http://127.0.0.1:PORT RUN_ID docs

Needs Debian's chromium; looked at by a person before they are committed.
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.dags.stack import DAG


def take(address: str, run_id: str, folder: Path) -> None:
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
        page.screenshot(path=folder / "airflow-graph.png")
        page.goto(f"{address}/dags/{DAG}/runs/{run_id}/tasks/ledger_balances")
        page.wait_for_selector("text=call_logs")
        page.wait_for_timeout(2000)
        page.screenshot(path=folder / "airflow-run.png")
        browser.close()


if __name__ == "__main__":
    take(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
