"""terraform/aws applied for real, to a stand-in: what it makes, what jobs do with it, and that it goes away again."""

import json
import os
import re
import signal
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.s3.models import s3_backends

from demo import services
from demo.faithful import Counts, generate
from demo.postgres import serving as postgres_serving
from jobs.clients.location import ROOT
from tests.conftest import DAYS
from tests.s3.acts import JOBS, RIGHTS, Act, acts, by
from tests.s3.server import ACCOUNT, Server
from tests.terraform.command import Folder, as_variables
from tests.terraform.conftest import skip_where_no_provider, texts
from tests.terraform.deploy import Clone, blocks, clone
from tests.terraform.judge import Verdict, judge
from tests.terraform.policy import grants

REGION, STATE, KEY = "eu-north-1", "coretelecoms-state", "coretelecoms/aws.tfstate"
SOURCES_BUCKET, LAKE = "core-telecoms-data-lake", "core-telecoms-capstone-data-lake"
SHEET = "demo-agents"
SNOWFLAKE = "arn:aws:iam::999999999999:user/snow"
CONNECTIONS = ["CORE_TELECOMS_POSTGRES_CONN", "GOOGLE_SHEETS_API_CONN"]
# Rights that no request of the demo needs, and why the role has them.
UNUSED = {
    ("LookForDeliveries", "s3:ListBucket"): "else S3 answers 403 for an object that is not there; paths with * list",
    ("WriteLake", "s3:AbortMultipartUpload"): "an upload that breaks off; tests/s3/test_faults.py breaks them",
    (
        "ReadWhatAirflowKeeps",
        "ssm:GetParameter",
    ): "conf/env may name them; tests/unit/test_credentials.py asks for them",
    ("UseThePlatformsKey", "kms:Decrypt"): "S3 and SSM ask KMS in the caller's name: no request of its own",
    ("UseThePlatformsKey", "kms:GenerateDataKey"): "likewise, for every object written",
    ("WriteLogs", "logs:CreateLogStream"): "EMR Serverless itself, in the role's name",
    ("WriteLogs", "logs:DescribeLogStreams"): "likewise",
    ("WriteLogs", "logs:PutLogEvents"): "likewise",
    ("FindLogGroup", "logs:DescribeLogGroups"): "likewise",
}


@dataclass(frozen=True)
class Applied:
    """The platform on the stand-in, and the services outside of it."""

    folder: Folder
    server: Server
    web: services.Services
    secrets: dict[str, str]
    shown: str
    counts: Counts
    sources: Path
    clone: Clone

    @cached_property
    def outputs(self) -> dict[str, Any]:
        return self.folder.outputs()

    def client(self, service: str) -> Any:
        names = {"aws_access_key_id": "operator", "aws_secret_access_key": "nothing"}
        return boto3.session.Session().client(service, endpoint_url=self.server.url, region_name=REGION, **names)

    def policy(self, role: str) -> dict[str, Any]:
        (name,) = self.client("iam").list_role_policies(RoleName=role)["PolicyNames"]
        found: dict[str, Any] = self.client("iam").get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        return found

    def bucket_policy(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.client("s3").get_bucket_policy(Bucket=LAKE)["Policy"])
        return found

    def acts_of(self, who: str) -> set[Act]:
        """What the bearer of an access key asked for, of S3 and SSM."""
        return {act for request in by(who, self.server.requests) for act in acts(request, ACCOUNT, REGION)}


@pytest.fixture(scope="module")
def applied(cloud: Server, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applied]:
    """As docs/deploy.md says, in a copy of this checkout."""
    root = tmp_path_factory.mktemp("applied")
    counts = generate(root / "sources", DAYS, calls=300, customers=300)
    sheet = partial(services.agents_of, root / "sources")
    with postgres_serving(tmp_path_factory.mktemp("postgres")) as postgres, services.serving(sheet) as web:
        postgres.load_web_forms(root / "sources/web_forms")
        secrets = {f"database/{name}": value for name, value in postgres.secrets.items()}
        secrets |= {"outages_address": web.address, "outages_token": web.api_token, "sheets_key": web.account_key}
        asked = {
            "STATE_BUCKET": STATE,
            "AIRFLOW_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/airflow-host",
            "ALARM_EMAIL": "data@example.com",
            "SOURCES_ACCOUNT": ACCOUNT,
            "GITHUB_REPOSITORY": "owner/name",
        }
        more = {"secrets": secrets, "connections": CONNECTIONS, "airflow_variables": ["AGENTS_SPREADSHEET_ID"]}
        more |= {"snowflake_trust": {"principal": SNOWFLAKE, "external_id": "CORETELECOMS_SFCRole=1_x"}}
        followed = clone(root / "clone", environment | asked | as_variables(more))
        boot = followed("bootstrap")
        skip_where_no_provider("bootstrap", boot)
        assert boot.returncode == 0, boot.stdout + boot.stderr
        shown = followed.must("apply")
        folder = Folder(followed.path / "terraform/aws", followed.environment)
        yield Applied(folder, cloud, web, secrets, shown, counts, root / "sources", followed)


def test_everything_is_made_and_a_second_plan_is_empty(applied: Applied) -> None:
    assert re.search(r"Apply complete! Resources: [1-9]\d+ added, 0 changed, 0 destroyed", applied.shown)
    planned = applied.folder("plan", "-detailed-exitcode", "-out=second.plan")
    assert planned.returncode == 0, planned.stdout


def test_the_lake_is_versioned_encrypted_private_and_forgets(applied: Applied) -> None:
    s3 = applied.client("s3")
    assert s3.get_bucket_versioning(Bucket=LAKE)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_encryption(Bucket=LAKE)["ServerSideEncryptionConfiguration"]["Rules"]
    assert (rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], rule["BucketKeyEnabled"]) == ("aws:kms", True)
    blocked = s3.get_public_access_block(Bucket=LAKE)["PublicAccessBlockConfiguration"]
    assert len(blocked) == 4
    assert all(blocked.values())
    rules = {rule["ID"]: rule for rule in s3.get_bucket_lifecycle_configuration(Bucket=LAKE)["Rules"]}
    assert rules["rejected"]["Filter"]["Tag"] == {"Key": "zone", "Value": "rejected"}
    assert rules["rejected"]["Expiration"]["Days"] < rules["raw"]["Expiration"]["Days"]
    assert rules["old-versions"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert rules["open-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 2}


def test_jobs_are_in_private_subnets_reach_s3_by_its_endpoint_and_are_reached_by_nobody(applied: Applied) -> None:
    name = applied.outputs["application"]["id"]
    found = applied.client("emr-serverless").get_application(applicationId=name)["application"]
    network, ec2 = found["networkConfiguration"], applied.client("ec2")
    assert len(network["subnetIds"]) == 2
    of_them = [{"Name": "association.subnet-id", "Values": network["subnetIds"]}]
    tables = ec2.describe_route_tables(Filters=of_them)["RouteTables"]
    gateways = {route.get("GatewayId", "") for table in tables for route in table["Routes"]}
    assert not [gateway for gateway in gateways if gateway.startswith("igw-")]
    endpoints = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    (s3,) = [one for one in endpoints if one["ServiceName"] == f"com.amazonaws.{REGION}.s3"]
    assert {table["RouteTableId"] for table in tables} <= set(s3["RouteTableIds"])
    groups = ec2.describe_security_groups(GroupIds=network["securityGroupIds"])["SecurityGroups"]
    assert [group["IpPermissions"] for group in groups] == [[]]
    ports = {rule["FromPort"] for group in groups for rule in group["IpPermissionsEgress"]}
    assert ports == {443, 5432}


def test_logs_are_kept_for_a_time_by_the_platforms_key_and_a_budget_tells(applied: Applied) -> None:
    (group,) = applied.client("logs").describe_log_groups(logGroupNamePrefix="/coretelecoms/")["logGroups"]
    key = applied.outputs["environment"]["s3"]["kms_key"]
    assert (group["logGroupName"], group["retentionInDays"], group["kmsKeyId"]) == ("/coretelecoms/spark", 365, key)
    budgets = applied.client("budgets")
    told = budgets.describe_notifications_for_budget(AccountId=ACCOUNT, BudgetName="coretelecoms")["Notifications"]
    assert {(one["NotificationType"], one["Threshold"]) for one in told} == {("ACTUAL", 80), ("FORECASTED", 100)}
    parameters = applied.client("ssm").describe_parameters()["Parameters"]
    assert {one["KeyId"] for one in parameters if one["Name"].startswith("/coretelecomms/")} == {key}


def test_the_secrets_reached_the_store_and_stand_in_no_state_plan_or_output(applied: Applied) -> None:
    ssm = applied.client("ssm")
    for name, value in applied.secrets.items():
        stored = ssm.get_parameter(Name=f"/coretelecomms/{name}", WithDecryption=True)["Parameter"]
        assert (stored["Value"], stored["Type"]) == (value, "SecureString")
    applied.folder.must("plan", "-out=again.plan", log_days=30)
    versions = applied.client("s3").list_object_versions(Bucket=STATE, Prefix=KEY)["Versions"]
    states = [
        applied.client("s3")
        .get_object(Bucket=STATE, Key=one["Key"], VersionId=one["VersionId"])["Body"]
        .read()
        .decode()
        for one in versions
    ]
    seen = [*states, applied.shown, *(text for _, text in texts(applied.folder.path))]
    assert sum(LAKE in text for text in seen) >= 3  # state, plan, output: the search sees into them
    assert [name for name in canaries(applied) if any(found_in(canaries(applied)[name], text) for text in seen)] == []


def canaries(applied: Applied) -> dict[str, str]:
    """Those values that mean something where they are found."""
    key = json.loads(applied.secrets["sheets_key"])["private_key"].splitlines()[3]
    names = ("database/db_password", "outages_token")
    return {name: applied.secrets[name] for name in names} | {"sheets_key": key}


def found_in(secret: str, text: str) -> bool:
    return secret in text or json.dumps(secret)[1:-1] in text


def test_the_same_search_finds_a_secret_that_was_not_write_only(
    applied: Applied, environment: dict[str, str], tmp_path: Path
) -> None:
    """The positive control."""
    (tmp_path / "main.tf").write_text('variable "secret" {}\nresource "terraform_data" "x" { input = var.secret }\n')
    for name, secret in canaries(applied).items():
        leaky = Folder(tmp_path, environment, {"secret": secret})
        leaky.must("init")
        leaky.must("plan", "-out=leaky.plan")
        leaky.must("apply", "-auto-approve", "leaky.plan")
        where = {file for file, text in texts(tmp_path) if found_in(secret, text)}
        assert {"terraform.tfstate", "leaky.plan/tfplan"} <= where, (name, where)


@contextmanager
def waiting_for_a_person(applied: Applied) -> "Iterator[subprocess.Popen[str]]":
    """An apply that has the lock, and has asked whether it may."""
    command = ["terraform", f"-chdir={applied.folder.path}", "apply"]
    given = as_variables({"log_days": 30}) | {"TF_INPUT": "1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(
        command, **pipes, text=True, env=os.environ | applied.folder.environment | given, start_new_session=True
    ) as process:
        assert process.stdout
        assert any("Only 'yes' will be accepted" in line for line in process.stdout)
        yield process


def test_who_comes_while_the_state_is_locked_is_refused(applied: Applied) -> None:
    with waiting_for_a_person(applied) as first:
        second = applied.folder("plan")
        said, _ = first.communicate("no\n")
    assert second.returncode != 0
    assert "Error acquiring the state lock" in second.stderr
    assert "Apply cancelled" in said


def test_the_lock_that_a_killed_terraform_leaves_is_taken_away_by_its_id(applied: Applied) -> None:
    with waiting_for_a_person(applied) as killed:
        os.killpg(killed.pid, signal.SIGKILL)  # its provider too
    refused = applied.folder("plan")
    assert "Error acquiring the state lock" in refused.stderr
    (lock,) = re.findall(r"ID:\s+([0-9a-f-]{36})", refused.stderr)
    applied.clone.must("unlock", LOCK_ID=lock)
    assert applied.folder("plan", "-detailed-exitcode").returncode == 0


@dataclass(frozen=True)
class Demo:
    """The four days, with every name taken from the applied state."""

    file: Path
    outcomes: list[dict[str, Any]]


@pytest.fixture(scope="module")
def named(applied: Applied) -> Path:
    """conf/env/s3.toml after `make env-from-terraform`."""
    applied.clone.must("environment")
    return applied.clone.path / "conf/env/s3.toml"


def test_the_environment_that_is_shipped_names_what_terraform_makes(named: Path, applied: Applied) -> None:
    """No name is typed twice: what stands in both is the same; only what an account decides is added."""
    shipped = (ROOT / "conf/env/s3.toml").read_text()
    before, after = tomllib.loads(shipped), tomllib.loads(named.read_text())
    added = {name: after["s3"].pop(name) for name in ("kms_key", "owners")}
    assert after == before
    assert added["owners"] == {LAKE: ACCOUNT, SOURCES_BUCKET: ACCOUNT}
    assert added["kms_key"].startswith(f"arn:aws:kms:{REGION}:{ACCOUNT}:key/")
    assert [line for line in shipped.splitlines() if line.startswith("#") and line not in named.read_text()] == []
    written = flat(applied.outputs["environment"])
    assert written.items() <= flat(tomllib.loads(named.read_text())).items()
    assert {"lake", "sources", "warehouse.path", "secrets.database"} <= written.keys()


def flat(table: dict[str, Any], before: str = "") -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for name, value in table.items():
        entries |= flat(value, f"{before}{name}.") if isinstance(value, dict) else {before + name: value}
    return entries


@pytest.fixture(scope="module")
def demo(named: Path, applied: Applied) -> Demo:
    text = named.read_text().replace("the-spreadsheets-id", SHEET)
    text = text.replace("[services]\n", f'[services]\nsheets = "{applied.web.address}"\n')
    # Hadoop's client hands no key's name over plain http; the bucket's own setting encrypts with the same key.
    names = ("server-side-encryption-algorithm", "server-side-encryption.key")
    plain = "\n".join(f'"spark.hadoop.fs.s3a.{name}" = ""' for name in names)
    named.write_text(f'{text}\n[postgres]\nsslmode = "disable"\n[spark]\n{plain}\n')
    s3, sources = applied.client("s3"), applied.sources
    s3.create_bucket(Bucket=SOURCES_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    with next((sources / "call logs").glob(f"*{DAYS[0]}.csv")).open("a") as calls:
        calls.write("1,2,3,4,5,6,7,8,9,10,11,12\n")  # too many fields: rejected
    for path in (path for path in sources.rglob("*.*") if path.is_file() and "web_forms" not in path.parts):
        s3.upload_file(str(path), SOURCES_BUCKET, str(path.relative_to(sources)))
    as_jobs = {"AWS_ACCESS_KEY_ID": JOBS}
    applied.clone.must("days", **as_jobs)
    command = ["./spark-submit.sh", "status", "--json", "--env", "s3"]
    given = os.environ | applied.clone.environment | as_jobs
    status = subprocess.run(command, capture_output=True, text=True, cwd=applied.clone.path, env=given, check=True)
    return Demo(named, [json.loads(line) for line in status.stdout.splitlines()])


def test_the_four_days_land_in_what_was_made_with_the_secrets_that_were_stored(demo: Demo, applied: Applied) -> None:
    loaded = {
        (row["source"], row["ingest_date"]): row["rows_bronze"] for row in demo.outcomes if row["state"] == "loaded"
    }
    days = {str(day) for day in DAYS}
    assert {source for source, _ in loaded} == {
        "agents",
        "call_logs",
        "customers",
        "service_outages",
        "social_media",
        "web_forms",
    }
    for source in ("call_logs", "social_media", "web_forms"):
        assert {day: n for (one, day), n in loaded.items() if one == source} == applied.counts["rows"][source]
        assert days == {day for one, day in loaded if one == source}
    (rejected,) = [row for row in demo.outcomes if row["rows_rejected"]]
    assert (rejected["source"], rejected["rows_rejected"]) == ("call_logs", 1)


def test_rejected_rows_carry_the_tag_that_their_lifecycle_rule_looks_for(demo: Demo, applied: Applied) -> None:
    s3 = applied.client("s3")
    keys = applied.server.keys(LAKE, "raw/")
    rejected = [key for key in keys if "/rejected/" in key]
    assert rejected
    tags = {key: s3.get_object_tagging(Bucket=LAKE, Key=key)["TagSet"] for key in keys}
    assert [key for key in keys if tags[key] == [{"Key": "zone", "Value": "rejected"}]] == rejected


def test_a_job_starts_in_the_application_and_as_the_role_of_the_applied_state(applied: Applied) -> None:
    emr = applied.client("emr-serverless")
    extra = applied.outputs["airflow_connections"]["CORE_TELECOMS_SPARK_CONN"]["extra"]
    found = emr.get_application(applicationId=extra["application_id"])["application"]
    assert (found["name"], found["releaseLabel"]) == ("coretelecoms-spark", "emr-7.13.0")
    driver = {"sparkSubmit": {"entryPoint": "local:///opt/coretelecoms/jobs/__main__.py"}}
    started = emr.start_job_run(
        applicationId=extra["application_id"], executionRoleArn=extra["execution_role_arn"], jobDriver=driver
    )
    assert emr.get_job_run(applicationId=extra["application_id"], jobRunId=started["jobRunId"])


def test_every_request_of_the_jobs_is_allowed_by_their_role(demo: Demo, applied: Applied) -> None:
    allowed = grants(applied.policy("coretelecoms-execution"))
    made = applied.acts_of(JOBS)
    assert len(made) > 100
    assert sorted({(act.action, act.resource) for act in made if not any(grant.allows(act) for grant in allowed)}) == []


def test_the_rights_are_those_that_every_request_of_the_s3_and_sources_suites_is_held_against(applied: Applied) -> None:
    """Faults, kills and races included: those suites fail where a job asks for more."""
    granted = {f"{one.action} {one.resource}" for one in grants(applied.policy("coretelecoms-execution"))}
    assert {one for one in granted if one.startswith(("s3:", "ssm:"))} == set(RIGHTS.read_text().splitlines())


def test_every_right_of_the_jobs_is_used_or_has_a_reason(demo: Demo, applied: Applied) -> None:
    made = applied.acts_of(JOBS)
    unused = {
        (grant.sid, grant.action, grant.resource)
        for grant in grants(applied.policy("coretelecoms-execution"))
        if not any(grant.allows(act) for act in made)
    }
    assert sorted(one for one in unused if one[:2] not in UNUSED) == []
    assert sorted(UNUSED.keys() - {one[:2] for one in unused}) == []  # no reason without need


def test_a_right_too_many_and_a_request_too_many_are_seen(demo: Demo, applied: Applied) -> None:
    policy = applied.policy("coretelecoms-execution")
    made = applied.acts_of(JOBS)
    wide = {"Sid": "Wide", "Effect": "Allow", "Action": "s3:DeleteObject", "Resource": f"arn:aws:s3:::{LAKE}/runs/*"}
    assert [one.sid for one in grants({"Statement": [wide]}) if any(one.allows(act) for act in made)] == []
    for forbidden in (
        Act(
            "s3:DeleteObject",
            f"arn:aws:s3:::{LAKE}/raw/call_logs/ingest_date=2025-11-20/run_id=R/landed/part-0.parquet",
        ),
        Act("s3:PutObject", f"arn:aws:s3:::{SOURCES_BUCKET}/customers/customers_dataset.csv"),
        Act("s3:GetObject", "arn:aws:s3:::another-bucket/x"),
        Act("ssm:GetParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/another/path"),
    ):
        assert not any(grant.allows(forbidden) for grant in grants(policy))


def test_role_and_bucket_together_let_the_jobs_do_what_they_did(demo: Demo, applied: Applied) -> None:
    """By an evaluator of others', which knows all of IAM's conditions."""
    role = "coretelecoms-execution"
    verdicts = judge(role, applied.policy(role), applied.bucket_policy(), applied.acts_of(JOBS))
    assert len(verdicts) > 100
    assert {act: verdict for act, verdict in verdicts.items() if verdict != Verdict("Allowed")} == {}


PART = f"arn:aws:s3:::{LAKE}/raw/call_logs/ingest_date=2025-11-20/run_id=R/landed/part-0.parquet"
ONCE, WHOLE, PIECE = (
    ("s3:if-none-match", "*"),
    ("s3:ObjectCreationOperation", "true"),
    ("s3:ObjectCreationOperation", "false"),
)
SSE = "s3:x-amz-server-side-encryption"


def denials(applied: Applied, *acts: Act) -> list[tuple[str, ...]]:
    """Which statements of the bucket's policy deny each of the jobs' acts; nothing else denies one."""
    role = "coretelecoms-execution"
    verdicts = judge(role, applied.policy(role), applied.bucket_policy(), acts)
    assert all(said == ("ExplicitlyDenied" if by else "Allowed") for said, by in verdicts.values()), verdicts
    return [verdicts[act].denied_by for act in acts]


def test_x14_nothing_that_landed_is_overwritten_by_the_jobs_role_or_anybody(applied: Applied) -> None:
    objects = [PART, PART.replace("landed/part-0.parquet", "_manifest.json"), PART.replace("landed", "rejected")]
    objects += [f"arn:aws:s3:::{LAKE}/{key}" for key in ("attempts/calls/ingest_date=2025-11-20/R.json", "runs/R.json")]
    for place in objects:
        overwriting = Act("s3:PutObject", place, (WHOLE,)), Act("s3:PutObject", place)  # a key that S3 forgot: denied
        assert denials(applied, *overwriting) == [("NothingIsOverwritten",)] * 2, place
        allowed = Act("s3:PutObject", place, (ONCE, WHOLE)), Act("s3:PutObject", place, (PIECE,))
        assert denials(applied, *allowed) == [(), ()], place
    assert denials(applied, Act("s3:PutObject", f"arn:aws:s3:::{LAKE}/bronze/calls/x", (WHOLE,))) == [()]


def test_x14_nothing_is_written_by_another_key_than_the_platforms(applied: Applied) -> None:
    ours = applied.outputs["environment"]["s3"]["kms_key"]
    theirs = "arn:aws:kms:eu-north-1:999999999999:key/x"
    kms = (SSE, "aws:kms")
    headers = {
        (): (),
        (kms, (f"{SSE}-aws-kms-key-id", ours)): (),
        (kms, (f"{SSE}-aws-kms-key-id", theirs)): ("OnlyThePlatformsKey",),
        (kms,): ("NoKeyOfAmazons",),
        ((SSE, "AES256"),): ("NoOtherCipher",),
        ((SSE, "aws:kms:dsse"), (f"{SSE}-aws-kms-key-id", ours)): ("NoOtherCipher",),
        ((f"{SSE}-customer-algorithm", "AES256"),): ("NoKeyOfTheCallers",),
    }
    for place in (PART, f"arn:aws:s3:::{LAKE}/scratch/x", f"arn:aws:s3:::{LAKE}/bronze/calls/x"):
        found = denials(applied, *(Act("s3:PutObject", place, (ONCE, WHOLE, *facts)) for facts in headers))
        assert found == list(headers.values()), place


def test_the_lake_is_reached_by_tls_alone(applied: Applied) -> None:
    in_clear = Act("s3:GetObject", PART, (("aws:SecureTransport", "false"),))
    assert denials(applied, in_clear, Act("s3:GetObject", PART)) == [("TlsOnly",), ()]


def test_every_request_of_a_recount_is_allowed_by_airflows_role(demo: Demo, applied: Applied) -> None:
    command = ["./spark-submit.sh", "status", "--recount", "--date", str(DAYS[0]), "--env", "s3"]
    given = os.environ | applied.clone.environment | {"AWS_ACCESS_KEY_ID": "worker"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=applied.clone.path, env=given, check=False)
    assert done.returncode == 0, done.stderr
    allowed, made = grants(applied.policy("coretelecoms-airflow")), applied.acts_of("worker")
    assert any("/landed/" in act.resource for act in made)
    assert sorted({(act.action, act.resource) for act in made if not any(one.allows(act) for one in allowed)}) == []
    amendment = Act("s3:GetObject", f"{PART.rpartition('/landed')[0]}/_amendment-0001.json")
    assert any(one.allows(amendment) for one in allowed)


def test_airflow_hands_over_one_role_and_submits_to_one_application(applied: Applied) -> None:
    rights = grants(applied.policy("coretelecoms-airflow"))
    passed = {one.resource for one in rights if one.action == "iam:PassRole"}
    assert passed == {applied.outputs["execution_role_arn"]}
    application = applied.outputs["application"]["arn"]
    assert {one.resource for one in rights if one.action.startswith("emr-serverless:")} == {
        application,
        f"{application}/jobruns/*",
    }
    written = {(one.action, one.resource) for one in rights if one.action.startswith(("s3:Put", "s3:Delete"))}
    places = ("pages/*", "notices/*", "raw/*/_amendment-*.json")  # what is told once, and decisions on corrections
    assert written == {("s3:PutObject", f"arn:aws:s3:::{LAKE}/{place}") for place in places}


def test_snowflake_comes_with_its_external_id_and_reads_landings_alone(applied: Applied) -> None:
    trust = applied.client("iam").get_role(RoleName="coretelecoms-snowflake")["Role"]["AssumeRolePolicyDocument"]
    (statement,) = trust["Statement"]
    assert statement["Principal"] == {"AWS": SNOWFLAKE}
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": "CORETELECOMS_SFCRole=1_x"}}
    rights = grants(applied.policy("coretelecoms-snowflake"))
    lake = f"arn:aws:s3:::{LAKE}"
    assert {(one.action, one.resource) for one in rights if one.action.startswith("s3:")} == {
        ("s3:GetObject", f"{lake}/raw/*"),
        ("s3:GetObject", f"{lake}/scratch/coretelecoms_verify_*"),  # make verify-snowflake
        ("s3:ListBucket", lake),
    }


def test_github_is_believed_of_one_repository_and_plans_from_state_alone(applied: Applied) -> None:
    applied.clone.must("github")
    assert set(applied.folder.outputs()["github_roles"]) == {"plan", "push"}
    iam = applied.client("iam")
    roles = {name: iam.get_role(RoleName=f"coretelecoms-github-{name}")["Role"] for name in ("push", "plan")}
    subjects = {
        name: role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]["StringEquals"][
            "token.actions.githubusercontent.com:sub"
        ]
        for name, role in roles.items()
    }
    assert subjects == {"push": "repo:owner/name:ref:refs/heads/main", "plan": "repo:owner/name:pull_request"}
    plans = {(one.action, one.resource) for one in grants(applied.policy("coretelecoms-github-plan"))}
    assert plans == {
        ("s3:GetObject", f"arn:aws:s3:::{STATE}/coretelecoms/*"),
        ("s3:ListBucket", f"arn:aws:s3:::{STATE}"),
        ("ec2:DescribeAvailabilityZones", "*"),
    }
    before = len(applied.server.requests)
    shown = applied.clone.must("plan", AWS_ACCESS_KEY_ID="planner", TF_VAR_secrets="{}")
    assert "No changes." in shown
    asked = by("planner", applied.server.requests[before:])
    assert {(one.method, one.bucket) for one in asked if one.key.startswith("coretelecoms/")} <= {
        ("GET", STATE),
        ("HEAD", STATE),
    }


def test_a_secret_is_rotated_by_its_value_and_version_and_without_a_value_nothing_is_written(applied: Applied) -> None:
    def stored() -> str:
        found = applied.client("ssm").get_parameter(Name="/coretelecomms/outages_token", WithDecryption=True)
        return str(found["Parameter"]["Value"])

    only = ("-auto-approve", "-target=aws_ssm_parameter.secret")
    versions = {name: 2 if name == "outages_token" else 1 for name in applied.secrets}
    forgotten = applied.folder("apply", *only, secrets={}, secret_versions=versions)
    assert forgotten.returncode != 0
    assert stored() == applied.secrets["outages_token"]
    new = applied.secrets | {"outages_token": "heron-88-quartz"}
    applied.folder.must("apply", *only, secrets=new)  # the version as it was
    assert stored() == applied.secrets["outages_token"]
    applied.clone.must("rotate", **as_variables({"secrets": new, "secret_versions": versions}))
    assert stored() == "heron-88-quartz"


def test_the_outputs_that_people_enter_elsewhere_are_there(applied: Applied) -> None:
    found = json.loads(applied.clone.must("connections"))
    assert set(found) == {"CORE_TELECOMS_SPARK_CONN", "CDE_CAPSTONE_AWS_CONN"}
    taken = re.findall(r"^    (\w+): ", (ROOT / "dags/support/spark_connection.py").read_text(), re.MULTILINE)
    assert found["CORE_TELECOMS_SPARK_CONN"]["extra"].keys() <= set(taken)
    assert found["CORE_TELECOMS_SPARK_CONN"]["extra"]["environment"] == "s3"


def test_a8_what_only_a_stopped_application_takes_is_applied_once_it_is_stopped(applied: Applied) -> None:
    """Auto-start is what stands between a job and this: moto plays neither, so it is started by hand."""
    name, emr = applied.outputs["application"]["id"], applied.client("emr-serverless")
    emr.start_application(applicationId=name)
    more = {"limits": {"vcpu": 48, "memory_gb": 192, "disk_gb": 500}}
    refused = applied.folder("apply", "-auto-approve", "-target=aws_emrserverless_application.spark", **more)
    assert refused.returncode != 0
    assert "must be in one of the following statuses" in refused.stderr
    assert f"application {name}: STOPPED" in applied.clone.must("stop").splitlines()
    applied.folder.must("apply", "-auto-approve", "-target=aws_emrserverless_application.spark", **more)
    found = emr.get_application(applicationId=name)["application"]["maximumCapacity"]
    assert found["cpu"] == "48 vCPU"


def test_a9_a_destroy_of_a_lake_with_objects_touches_nothing(applied: Applied) -> None:
    applied.client("s3").put_object(Bucket=LAKE, Key="pages/x", Body=b"x")
    before, begun = applied.folder.must("state", "list"), len(applied.server.requests)
    for target in ([], ["-target=aws_s3_bucket.lake"], ["-target=aws_kms_key.platform"]):
        refused = applied.folder("destroy", "-auto-approve", *target)
        assert refused.returncode != 0
        assert "Instance cannot be destroyed" in refused.stderr
    assert applied.folder.must("state", "list") == before
    asked = [one for one in applied.server.requests[begun:] if one.bucket == LAKE]
    assert {one.method for one in asked} <= {"GET", "HEAD"}
    assert asked
    key = applied.client("kms").describe_key(KeyId=applied.outputs["environment"]["s3"]["kms_key"])["KeyMetadata"]
    assert key["KeyState"] == "Enabled"


def test_with_leave_to_go_a_lake_with_objects_keeps_its_key(applied: Applied) -> None:
    applied.client("s3").put_object(Bucket=LAKE, Key="pages/x", Body=b"x")
    refused = applied.clone("destroy", TF_CLI_ARGS_destroy="-auto-approve -target=aws_kms_key.platform")
    assert refused.returncode != 0
    assert "BucketNotEmpty" in refused.stderr
    key = applied.client("kms").describe_key(KeyId=applied.outputs["environment"]["s3"]["kms_key"])["KeyMetadata"]
    assert key["KeyState"] == "Enabled"


def test_it_all_goes_away_again(applied: Applied) -> None:
    """Last in this file, on purpose alone: first the objects go, every version."""
    s3_backends[ACCOUNT]["aws"].buckets[LAKE].keys.clear()  # the stand-in itself forbids to delete below raw/
    assert "Destroy complete!" in applied.clone.must("destroy")
    assert applied.folder.must("state", "list") == ""


def test_every_block_of_the_deployment_guide_was_run_here_or_says_why_not(applied: Applied) -> None:
    """Behind all others: they ran them."""
    kinds = {kind: [what for one, what, _ in blocks() if one == kind] for kind, _, _ in blocks()}
    assert kinds.keys() == {"run", "real account only"}  # none without a mark
    assert set(applied.clone.ran) == set(kinds["run"])
    assert all(len(reason) > 10 for reason in kinds["real account only"])
