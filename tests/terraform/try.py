import os, tempfile, time
from pathlib import Path
from tests.terraform.stand_in import aws
from tests.terraform.command import copy_of
os.environ.update(AWS_EC2_METADATA_DISABLED="true")
KEYS={"AWS_ACCESS_KEY_ID":"dummy","AWS_SECRET_ACCESS_KEY":"dummy"}
tmp=Path(tempfile.mkdtemp())
with aws() as server:
    env={**KEYS,"AWS_ENDPOINT_URL":server.url,"AWS_REGION":"eu-north-1","CHECKPOINT_DISABLE":"1","TF_IN_AUTOMATION":"1"}
    b=copy_of("bootstrap",tmp/"bootstrap",env,state_bucket="ct-state")
    t=time.time()
    print(b.must("init","-input=false","-no-color")[-100:]); b.must("apply","-auto-approve","-no-color")
    print("boot",time.time()-t)
    (tmp/"backend.hcl").write_text(b.must("output","-raw","backend"))
    names="database/db_host database/db_name database/db_password database/db_port database/db_username database/table_schema_name outages_address outages_token sheets_key".split()
    a=copy_of("aws",tmp/"aws",env,secrets={n:"heron-77-"+n for n in names},airflow_principals=["arn:aws:iam::123456789012:role/airflow"],alarm_emails=["a@example.com"],github_repository="o/n",state_bucket="ct-state",bronze_in_lake=True)
    a.must("init","-input=false","-no-color","-lockfile=readonly","-backend-config=../backend.hcl")
    t=time.time(); d=a("apply","-auto-approve","-no-color"); print("apply",time.time()-t); print(d.stdout[-500:]); print(d.stderr[-6000:])
    if d.returncode==0:
        t=time.time(); d=a("plan","-detailed-exitcode","-no-color"); print("plan",d.returncode,time.time()-t); print(d.stdout[-7000:],d.stderr[-3000:])
        t=time.time(); d=a("destroy","-auto-approve","-no-color"); print("destroy",d.returncode,time.time()-t); print(d.stderr[-3000:],d.stdout[-300:])
