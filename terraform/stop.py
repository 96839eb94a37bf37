"""Stops the EMR Serverless application of terraform/aws: AWS changes it, and removes it, only then.

    make stop-application

It starts by itself with the next job run. One that is scheduled or running keeps it from stopping, in AWS's words.
"""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import botocore.exceptions
import botocore.session

FOLDER = Path(__file__).parent / "aws"
PATIENCE = 600.0  # seconds; a minute or two is usual
AT_REST = ("CREATED", "STOPPED", "TERMINATED")


def main() -> None:
    """Prints the state it ends in. Raises SystemExit where nothing was applied, or AWS refuses."""
    command = ["terraform", f"-chdir={FOLDER}", "output", "-json", "application"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{FOLDER}: {done.stderr.strip()}")
    named = json.loads(done.stdout)
    client = botocore.session.get_session().create_client("emr-serverless", region_name=named["arn"].split(":")[3])
    try:
        print(f"application {named['id']}: {stop(client, named['id'])}")
    except botocore.exceptions.ClientError as error:
        raise SystemExit(f"application {named['id']}: {error}") from None


def stop(client: Any, application: str) -> str:
    """The state it ends in. Raises SystemExit where it is not at rest in time."""
    end = time.monotonic() + PATIENCE
    while (state := client.get_application(applicationId=application)["application"]["state"]) not in AT_REST:
        if state == "STARTED":
            client.stop_application(applicationId=application)
        elif time.monotonic() > end:
            raise SystemExit(f"application {application}: still {state} after {PATIENCE:.0f} s")
        else:
            time.sleep(2)
    return str(state)


if __name__ == "__main__":
    main()
