"""GitHub's workflows call the targets of .ci/run, no action can be moved under us, images are as they should be."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from jobs.clients.location import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
IMAGES = sorted((ROOT / "docker").glob("Dockerfile.*"))
JARS = ("conf/spark/jars.sha256", "conf/spark/bigquery.sha256")


def test_the_workflow_runs_what_ci_runs_side_by_side() -> None:
    matrix = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]["make"]["strategy"]["matrix"]
    called = re.findall(r"^make (\S+)$", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    (needed,) = re.findall(r"^HEAVIER = (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert "test-all" in called
    assert sorted(matrix["target"]) == sorted([*(one for one in called if one != "test-all"), *needed.split()])


def test_every_action_is_pinned_by_its_commit_and_says_which_version_that_is() -> None:
    used = [line for path in WORKFLOWS for line in path.read_text().splitlines() if "uses:" in line]
    assert len(used) > 5
    assert [line for line in used if not re.search(r"uses: [\w/-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+$", line)] == []


def test_no_workflow_has_rights_by_default_or_stored_keys() -> None:
    for path in WORKFLOWS:
        flow = yaml.safe_load(path.read_text())
        assert flow["permissions"] == {}
        assert "concurrency" in flow
        assert all(job.get("permissions") for job in flow["jobs"].values())
        assert "secrets." not in path.read_text()


def test_what_is_published_is_what_was_green() -> None:
    build = yaml.safe_load((ROOT / ".github/workflows/pages.yml").read_text())["jobs"]["build"]
    checkout = next(step for step in build["steps"] if step.get("uses", "").startswith("actions/checkout@"))
    assert checkout["with"]["ref"] == "${{ github.event.workflow_run.head_sha }}"
    links = re.findall(r'href="([^"]+)"', (ROOT / ".github/site/index.html").read_text())
    assert sorted(links) == ["complaints.html", "dbt.html", "runs.html"]


def test_the_image_that_is_pushed_stands_on_the_release_that_the_application_runs() -> None:
    (release,) = re.findall(r'= "(emr-[\d.]+)"', (ROOT / "terraform/aws/variables.tf").read_text())
    for path in ("docs/deploy.md", "docker/Dockerfile.spark"):
        assert set(re.findall(r"emr-serverless/spark/(emr-[\d.]+\d)", (ROOT / path).read_text())) == {release}, path


BY_TAG = {"motoserver/moto:5.2.5": "its digest was not to be had where this was made; .env.example says how to name it"}


def test_x15_images_stand_on_digests_and_the_one_that_does_not_says_why() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    images = re.findall(r"image: \$\{\w+:-(\S+)\}", compose)
    bases = [base for path in IMAGES for base in re.findall(r"^ARG BASE=(.*)$", path.read_text(), re.MULTILINE)]
    froms = [name for path in IMAGES for name in re.findall(r"^FROM (\S+)", path.read_text(), re.MULTILINE)]
    assert set(froms) <= {"${BASE}", "base"}
    assert len(bases) == len(IMAGES)
    others = [name for name in (*images, *bases) if not name.startswith("coretelecoms-")]
    assert {name for name in others if not re.search(r":[\w.-]+@sha256:[0-9a-f]{64}$", name)} == BY_TAG.keys()
    assert compose.count("image: ") == len(images)


@pytest.mark.parametrize(
    "base", ["", "public.ecr.aws/emr-serverless/spark/emr-7.13.0:latest", f"emr@sha256:{64 * 'a'}"]
)
def test_x15_an_image_that_stands_on_a_tag_is_not_pushed(base: str, tmp_path: Path) -> None:
    (tmp_path / "docker").write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/asked\n')
    (tmp_path / "docker").chmod(0o755)
    given = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "BASE": base}
    command = ["make", "--no-print-directory", "image", "PUSH=1"]
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False)
    if base.startswith("emr@"):
        assert done.returncode == 0, done.stderr
        assert f"--build-arg BASE={base} " in (tmp_path / "asked").read_text()
    else:
        assert done.returncode != 0
        assert f"found '{base}'" in done.stderr
        assert not (tmp_path / "asked").exists()


# Artifact -> the first release that is mended, and why; None: no release of that name is. Kept by hand: no database of
# advisories can be had offline (SECURITY.md).
MENDED = {
    "ion-java": (None, "CVE-2024-21634; mended under another name, and not needed"),
    "wildfly-openssl": ((1, 1, 3), "CVE-2020-25644; not needed"),
    "aws-java-sdk-s3": ((1, 12, 638), "CVE-2022-31159; from here on without ion-java"),
    "postgresql": ((42, 7, 7), "CVE-2025-49146"),
}


def test_x15_no_jar_is_pinned_that_is_known_to_be_vulnerable() -> None:
    pinned = [line.rsplit("/", 3)[1:3] for name in JARS for line in (ROOT / name).read_text().splitlines()]
    assert len(pinned) > 8
    for artifact, version in pinned:
        first, why = MENDED.get(artifact, ((0,), ""))
        found = tuple(int(number) for number in re.findall(r"\d+", version))
        assert first is not None, f"{artifact}: {why}"
        assert found >= first, f"{artifact} {version}: {why}"


def stages(path: Path) -> list[list[str]]:
    """The instructions of each stage, continued lines joined."""
    lines = re.sub(r"\\\n\s*", "", path.read_text()).splitlines()
    found: list[list[str]] = []
    for line in (line for line in lines if line and not line.startswith("#")):
        if line.startswith("FROM "):
            found.append([])
        if found:
            found[-1].append(line)
    return found


@pytest.mark.parametrize("image", IMAGES, ids=lambda path: path.suffix[1:])
def test_an_image_takes_over_what_was_made_and_installs_nothing_of_ours_itself(image: Path) -> None:
    *_, last = stages(image)
    assert any(line.startswith("COPY --from=made ") for line in last)
    assert not [line for line in last if line.startswith("RUN ") and ("pip" in line or "setup.sh" in line)]
    assert [line for line in last if line.startswith("USER ")][-1] != "USER root"
    assert any(line.startswith("LABEL org.opencontainers.image.title=") for line in last)


@pytest.mark.parametrize("image", IMAGES, ids=lambda path: path.suffix[1:])
def test_steps_need_no_other_shell_than_sh(image: Path) -> None:
    """Images in OCI's format know no SHELL: where layers are kept, as podman does, it is gone at the next step."""
    lines = [line for stage in stages(image) for line in stage]
    assert [line for line in lines if line.startswith("SHELL")] == []
    for step in (line.removeprefix("RUN ") for line in lines if line.startswith("RUN ")):
        assert "setup.sh" not in re.sub(r"(?<!\S)\./setup\.sh [a-z]", "", step), (
            "a script of bash's is called, not sourced"
        )
        assert subprocess.run(["sh", "-n", "-c", step], check=False).returncode == 0, step


@pytest.mark.parametrize("image", IMAGES, ids=lambda path: path.suffix[1:])
def test_lock_files_are_installed_as_setup_does_and_not_by_the_pip_of_the_base(image: Path) -> None:
    """EMR's base has pip 22.3, which refuses them: in a lock with hashes google-auth[pyopenssl] is not pinned to it."""
    steps = [line for stage in stages(image) for line in stage if line.startswith("RUN ")]
    assert [step for step in steps if "pip install" in step] == []
    assert any("installed " in step and "requirements.txt" in step for step in steps)


@pytest.mark.parametrize("image", IMAGES, ids=lambda path: path.suffix[1:])
def test_what_runs_may_write_into_the_cache_and_into_the_data(image: Path) -> None:
    """Its own user, and any other uid of root's group."""
    *_, last = stages(image)
    user = [line for line in last if line.startswith("USER ")][-1].removeprefix("USER ")
    assert f"COPY --from=made --chown={user}:0 /opt/cache /opt/cache" in last
    steps = "".join(line for line in last if line.startswith("RUN "))
    for folder in ("/opt/cache", ".local", "/data", "/etc/passwd"):
        assert re.search(rf"chmod (-R )?g=u [^;&]*{folder}", steps), folder


@pytest.mark.parametrize("image", IMAGES, ids=lambda path: path.suffix[1:])
def test_the_sources_that_an_image_copies_are_there_and_reach_the_builder(image: Path) -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    lines = [line.split() for stage in stages(image) for line in stage if line.startswith("COPY ")]
    sources = {one.rstrip("/") for _, *copied, _ in lines if not copied[0].startswith("--") for one in copied}
    assert len(sources) > 4
    assert [one for one in sources if not (ROOT / one).exists() or one.partition("/")[0] in ignored] == []


@pytest.mark.parametrize("image", IMAGES, ids=lambda path: path.suffix[1:])
def test_the_step_that_puts_the_pinned_jars_into_an_image_does(image: Path, tmp_path: Path) -> None:
    """There is no Docker where this was made: the step itself, in a folder as the image has it at that point."""
    (step,) = [line.removeprefix("RUN ") for stage in stages(image) for line in stage if "jars.sha256" in line]
    cache = tmp_path / "cache"
    cached = [_cached(name) for name in JARS]
    for folder in cached:
        shutil.copytree(folder, cache / folder.name)
    (tmp_path / "image/conf").mkdir(parents=True)
    shutil.copy(ROOT / "setup.sh", tmp_path / "image")
    shutil.copytree(ROOT / "conf/spark", tmp_path / "image/conf/spark")
    here = re.sub(r"/opt/venv[\w-]*/bin/python", sys.executable, step).replace("/opt/cache", str(cache))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CORETELECOMS")}
    command = ["sh", "-c", here]
    done = subprocess.run(command, cwd=tmp_path / "image", env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {folder.name for folder in cache.iterdir()} == {folder.name for folder in cached}
    if image.suffix == ".spark":
        named = re.findall(r"for name in \(([^)]+)\)", (ROOT / "dags/support/spark_connection.py").read_text())
        assert {f'"{path.stem}"' for path in (tmp_path / "image/lib").iterdir()} == set(named[0].split(", "))


def _cached(jars: str) -> Path:
    command = ["bash", "-euo", "pipefail", "-c", f'source ./setup.sh; jars "$ROOT/{jars}"']
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    first = Path(done.stdout.split(":")[0])
    return next(folder for folder in first.parents if folder.name.startswith("jars-"))
