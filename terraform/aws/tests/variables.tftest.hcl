# What a mistake in the variables is refused by, one a case. No account is needed: terraform test, in a copy where lake and key may go (docs/deploy.md, section 10)
mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-north-1a", "eu-north-1b", "eu-north-1c"] }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-north-1:123456789012:key/11111111-2222-3333-4444-555555555555" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mocked" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-north-1:123456789012:log-group:/coretelecoms/spark" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::core-telecoms-capstone-data-lake" }
  }
  mock_resource "aws_iam_openid_connect_provider" {
    defaults = { arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
  }
}

variables {
  secrets = {
    "database/db_host"     = "x", "database/db_name" = "x", "database/db_password" = "x", "database/db_port" = "x"
    "database/db_username" = "x", "database/table_schema_name" = "x", outages_address = "x", outages_token = "x", sheets_key = "x"
  }
  airflow_principals = ["arn:aws:iam::123456789012:role/airflow-host"]
  alarm_emails       = ["data@example.com"]
}

run "the_defaults_are_those_of_the_sources" {
  command = plan
  assert {
    condition     = aws_s3_bucket.lake.bucket == "core-telecoms-capstone-data-lake"
    error_message = "the lake's default name"
  }
  assert {
    condition     = aws_emrserverless_application.spark.release_label == "emr-7.13.0" && aws_emrserverless_application.spark.architecture == "X86_64"
    error_message = "Spark 3.5.6 on x86_64"
  }
  assert {
    condition     = length(aws_iam_role.github) == 0 && length(aws_nat_gateway.out) == 1
    error_message = "no trust in GitHub unless asked for; a way out unless refused"
  }
}

run "airflow_is_told_all_that_a_job_needs" {
  command = apply
  variables {
    environment = "bigquery"
  }
  assert {
    condition     = output.airflow_connections.CORE_TELECOMS_SPARK_CONN.extra.environment == "bigquery"
    error_message = "the environment"
  }
  assert {
    condition     = output.airflow_connections.CORE_TELECOMS_SPARK_CONN.extra.log_group == aws_cloudwatch_log_group.spark.name
    error_message = "where jobs write their logs"
  }
}

run "without_nat_nothing_leads_out" {
  command = plan
  variables {
    nat = false
  }
  assert {
    condition     = length(aws_nat_gateway.out) + length(aws_internet_gateway.out) + length(aws_vpc_security_group_egress_rule.out) + length(aws_route.nat) == 0
    error_message = "a way out without NAT"
  }
}

run "kept_ready_are_a_driver_and_executors" {
  command = apply
  variables {
    warm_executors = 2
  }
  assert {
    condition     = length(aws_emrserverless_application.spark.initial_capacity) == 2
    error_message = "a driver and executors"
  }
}

run "a_name_with_capitals" {
  command = plan
  variables {
    name = "CoreTelecoms"
  }
  expect_failures = [var.name]
}

run "a_region_that_is_none" {
  command = plan
  variables {
    region = "Stockholm"
  }
  expect_failures = [var.region]
}

run "a_bucket_with_a_dot" {
  command = plan
  variables {
    lake_bucket = "core.telecoms"
  }
  expect_failures = [var.lake_bucket]
}

run "no_source_bucket" {
  command = plan
  variables {
    source_buckets = {}
  }
  expect_failures = [var.source_buckets]
}

run "an_owner_that_is_no_account" {
  command = plan
  variables {
    source_buckets = { "core-telecoms-data-lake" = "telecom" }
  }
  expect_failures = [var.source_buckets]
}

run "raw_for_a_week" {
  command = plan
  variables {
    raw_days = 7
  }
  expect_failures = [var.raw_days]
}

run "rejected_rows_longer_than_raw" {
  command = plan
  variables {
    rejected_days = 1000
  }
  expect_failures = [var.rejected_days]
}

run "another_spark" {
  command = plan
  variables {
    release = "emr-6.15.0"
  }
  expect_failures = [var.release]
}

run "an_image_by_tag" {
  command = plan
  variables {
    image = "123456789012.dkr.ecr.eu-north-1.amazonaws.com/coretelecoms-spark:latest"
  }
  expect_failures = [var.image]
}

run "limits_below_one_worker" {
  command = plan
  variables {
    limits = { vcpu = 2, memory_gb = 8, disk_gb = 20 }
  }
  expect_failures = [var.limits]
}

run "more_kept_ready_than_allowed" {
  command = plan
  variables {
    warm_executors = 50
  }
  expect_failures = [var.warm_executors]
}

run "a_network_too_small" {
  command = plan
  variables {
    cidr = "10.42.0.0/28"
  }
  expect_failures = [var.cidr]
}

run "a_port_that_is_none" {
  command = plan
  variables {
    egress_ports = [70000]
  }
  expect_failures = [var.egress_ports]
}

run "a_parameter_path_that_ends_in_a_slash" {
  command = plan
  variables {
    parameter_path = "/coretelecomms/"
  }
  expect_failures = [var.parameter_path]
}

run "a_secret_without_a_value" {
  command = plan
  variables {
    secret_versions = { "database/db_host" = 1, forgotten = 1 }
  }
  expect_failures = [var.secrets]
}

run "a_connection_that_opens_all" {
  command = plan
  variables {
    connections = ["*"]
  }
  expect_failures = [var.connections]
}

run "a_variable_that_opens_all" {
  command = plan
  variables {
    airflow_variables = ["../connections/x"]
  }
  expect_failures = [var.airflow_variables]
}

run "a_secret_of_no_version" {
  command = plan
  variables {
    secret_versions = { "outages_token" = 0 }
  }
  expect_failures = [var.secret_versions]
}

run "a_secret_with_a_path_of_its_own" {
  command = plan
  variables {
    secret_versions = { "/outages_token" = 1 }
    secrets         = { "/outages_token" = "x" }
  }
  expect_failures = [var.secret_versions]
}

run "jobs_with_a_lake_on_one_machine" {
  command = plan
  variables {
    environment = "local"
  }
  expect_failures = [var.environment]
}

run "bronze_in_a_lake_where_it_may_not_be" {
  command = plan
  variables {
    bronze_in_lake = false
  }
  expect_failures = [var.bronze_in_lake]
}

run "airflow_as_anybody" {
  command = plan
  variables {
    airflow_principals = ["*"]
  }
  expect_failures = [var.airflow_principals]
}

run "airflow_as_a_whole_account" {
  command = plan
  variables {
    airflow_principals = ["arn:aws:iam::123456789012:root"]
  }
  expect_failures = [var.airflow_principals]
}

run "snowflake_without_its_external_id" {
  command = plan
  variables {
    snowflake_trust = { principal = "arn:aws:iam::123456789012:user/snow", external_id = "" }
  }
  expect_failures = [var.snowflake_trust]
}

run "any_repository" {
  command = plan
  variables {
    github_repository = "owner/*"
    state_bucket      = "state"
  }
  expect_failures = [var.github_repository]
}

run "github_without_the_states_bucket" {
  command = plan
  variables {
    github_repository = "owner/name"
  }
  expect_failures = [var.state_bucket]
}

run "no_budget" {
  command = plan
  variables {
    monthly_budget = 0
  }
  expect_failures = [var.monthly_budget]
}

run "nobody_is_told_of_the_budget" {
  command = plan
  variables {
    alarm_emails = []
  }
  expect_failures = [var.alarm_emails]
}

run "logs_for_a_number_of_days_that_cloudwatch_lacks" {
  command = plan
  variables {
    log_days = 100
  }
  expect_failures = [var.log_days]
}
