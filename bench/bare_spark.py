"""The yardstick: days of the five sources by hand in plain PySpark. Explicit schemas, Parquet out, nothing else.

spark-submit bench/bare_spark.py SOURCES OUT DAY..., with JDBC_URL, JDBC_SCHEMA, JDBC_USER, JDBC_PASSWORD in the
environment
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

CUSTOMERS = "customer_id name gender date_of_birth signup_date email address"
AGENTS = "agent_id name experience state"
CALLS = "row_id call_id customer_id category agent_id start_time end_time status generation_date"
WEB_FORMS = "row_id request_id customer_id category agent_id status request_date resolution_date generation_date"
SOCIAL = "complaint_id customer_id category agent_id status request_date resolution_date channel generation_date"
SOCIAL_HEADERS = (
    "complaint_id,customeR iD,COMPLAINT_catego ry,agent ID,resolutionstatus,request_date,resolution_date,"
    "media_channel,MediaComplaintGenerationDate"
)

sources, out, *days = sys.argv[1:]
builder = SparkSession.builder.appName("bare").config("spark.ui.enabled", "false")
spark = builder.config("spark.sql.parquet.compression.codec", "zstd").getOrCreate()


def csv(path: str, names: str, multiline: bool = False) -> DataFrame:
    schema = ", ".join(f"{name} string" for name in names.split())
    return spark.read.csv(f"{sources}/{path}", schema, header=True, quote='"', escape='"', multiLine=multiline)


def social(path: str) -> DataFrame:
    names = SOCIAL.split()
    schema = ", ".join(f"`{header}` map<string, string>" for header in SOCIAL_HEADERS.split(","))
    columns = spark.read.json(f"{sources}/{path}", schema, multiLine=True).toDF(*names)
    entries = columns.select(*[F.map_entries(name).alias(name) for name in names])
    rows = entries.select(F.explode(F.arrays_zip(*names)).alias("row"))
    return rows.select(*[F.col(f"row.{name}.value").alias(name) for name in names])


def web_forms(day: str) -> DataFrame:
    login = {"user": os.environ["JDBC_USER"], "password": os.environ["JDBC_PASSWORD"]}
    options = {"driver": "org.postgresql.Driver", "fetchsize": "10000", **login}
    table = f"{os.environ['JDBC_SCHEMA']}.web_form_request_{day.replace('-', '_')}"
    return spark.read.jdbc(os.environ["JDBC_URL"], table, properties=options)


frames = {
    "customers": csv("customers/customers_dataset.csv", CUSTOMERS, multiline=True),
    "agents": csv("agents/agents.csv", AGENTS),
}
for day in days:
    frames |= {
        f"call_logs/{day}": csv(f"call logs/call_logs_day_{day}.csv", CALLS),
        f"social_media/{day}": social(f"social_medias/media_complaint_day_{day}.json"),
        f"web_forms/{day}": web_forms(day).toDF(*WEB_FORMS.split()),
    }
with ThreadPoolExecutor(len(frames)) as pool:
    list(pool.map(lambda name: frames[name].write.parquet(f"{out}/{name}"), frames))
spark.stop()
