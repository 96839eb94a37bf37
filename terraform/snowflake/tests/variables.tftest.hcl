# What a mistake in the variables is refused by, one a case. No account is needed: terraform test
mock_provider "snowflake" {}

variables {
  lake_reader_role_arn = "arn:aws:iam::123456789012:role/coretelecoms-snowflake"
  public_key           = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA"
}

run "an_idle_warehouse_stops_and_the_month_has_an_end" {
  command = apply
  assert {
    condition     = snowflake_warehouse.platform.auto_suspend == 60 && snowflake_warehouse.platform.resource_monitor == snowflake_resource_monitor.month.name
    error_message = "suspended when idle, watched by the monitor"
  }
  assert {
    condition     = snowflake_resource_monitor.month.suspend_trigger == 100
    error_message = "queries end with the month's credits"
  }
  assert {
    condition     = snowflake_stage.lake.url == "s3://core-telecoms-capstone-data-lake/"
    error_message = "the stage is the lake"
  }
  assert {
    condition     = toset(keys(snowflake_grant_account_role.service)) == toset(["DBT", "LOAD"])
    error_message = "the service user loads and builds"
  }
  assert {
    condition     = output.environment.warehouse.bronze == "coretelecoms_bronze" && output.environment.warehouse.stage == "coretelecoms_bronze.lake"
    error_message = "names as the jobs write them"
  }
  assert {
    condition     = output.environment.warehouse.gold_private == "coretelecoms_gold_private" && output.environment.warehouse.gold_build == "coretelecoms_gold_build"
    error_message = "persons, and Gold before its tests, have schemas of their own"
  }
  assert {
    condition     = length(snowflake_grant_account_role.private_readers) == 0
    error_message = "nobody is told who persons are until somebody says so"
  }
}

run "persons_are_granted_apart" {
  command = apply
  variables {
    readers         = ["ANALYSTS"]
    private_readers = ["CLERKS"]
  }
  assert {
    condition     = { for name, grant in snowflake_grant_account_role.readers : name => grant.role_name } == { ANALYSTS = "${var.name}_READ" } && { for name, grant in snowflake_grant_account_role.private_readers : name => grant.role_name } == { CLERKS = "${var.name}_READ_PRIVATE" }
    error_message = "a role each"
  }
  assert {
    condition     = toset([for name, grant in local.in_schema : grant.role if contains([snowflake_schema.layer["GOLD_PRIVATE"].fully_qualified_name], grant.schema)]) == toset(["DBT", "READ_PRIVATE"])
    error_message = "who builds it, and who may know persons"
  }
  assert {
    condition     = [for name, grant in local.in_schema : "${grant.role} ${join(",", grant.privileges)}" if grant.schema == snowflake_schema.layer["GOLD_BUILD"].fully_qualified_name] == ["DBT USAGE,CREATE TABLE,CREATE VIEW"] && [for name, grant in local.reads : name if grant.schema == snowflake_schema.layer["GOLD_BUILD"].fully_qualified_name] == []
    error_message = "Gold before its tests is dbt's alone"
  }
  assert {
    condition     = toset([for name, grant in local.in_schema : grant.schema if grant.role == "READ"]) == toset([local.gold]) && toset([for name, grant in local.reads : grant.schema if grant.role == "READ"]) == toset([local.gold])
    error_message = "readers get Gold alone"
  }
}

run "no_policy_until_somebody_asks_for_one" {
  command = plan
  assert {
    condition     = length(snowflake_masking_policy.personal) + length(snowflake_grant_privileges_to_account_role.mask) + length(snowflake_schema.policies) == 0
    error_message = "they need another edition"
  }
}

run "personal_columns_are_seen_by_jobs_dbt_and_who_was_named" {
  command = apply
  variables {
    masking_policies = true
  }
  assert {
    condition     = toset(keys(snowflake_masking_policy.personal)) == toset(flatten([for kind in ["ATTRIBUTE", "BIRTH", "CONTACT", "FREE_TEXT", "IDENTITY", "UNDECIDED"] : ["${kind}_TEXT", "${kind}_DATE"]]))
    error_message = "a policy a kind and type"
  }
  assert {
    condition     = alltrue([for policy in snowflake_masking_policy.personal : policy.return_data_type == policy.argument[0].type && policy.return_data_type == (endswith(policy.name, "_DATE") ? "DATE" : "VARCHAR")])
    error_message = "text for text, a date for a date"
  }
  assert {
    condition     = toset([for policy in snowflake_masking_policy.personal : policy.body]) == toset(["case when is_role_in_session('${var.name}_LOAD') or is_role_in_session('${var.name}_DBT') or is_role_in_session('${var.name}_READ_PRIVATE') then val end"])
    error_message = "null to everybody else, readers of Gold among them"
  }
  assert {
    condition     = toset([for grant in snowflake_grant_privileges_to_account_role.mask : grant.account_role_name]) == toset(["${var.name}_LOAD", "${var.name}_DBT"]) && length(snowflake_grant_privileges_to_account_role.mask) == 24 && toset(flatten([for grant in snowflake_grant_privileges_to_account_role.mask : tolist(grant.privileges)])) == toset(["APPLY"])
    error_message = "jobs and dbt attach each, and change none"
  }
  assert {
    condition     = output.environment.warehouse.masking_policies == "coretelecoms_policies"
    error_message = "the jobs are told where they are"
  }
}

run "a_lower_case_name" {
  command = plan
  variables {
    name = "coretelecoms"
  }
  expect_failures = [var.name]
}

run "a_bucket_by_address" {
  command = plan
  variables {
    lake_bucket = "s3://lake"
  }
  expect_failures = [var.lake_bucket]
}

run "any_role" {
  command = plan
  variables {
    lake_reader_role_arn = "arn:aws:iam::123456789012:role/*"
  }
  expect_failures = [var.lake_reader_role_arn]
}

run "a_private_key" {
  command = plan
  variables {
    public_key = "-----BEGIN PRIVATE KEY-----" # pragma: allowlist secret - the header alone, and it is refused
  }
  expect_failures = [var.public_key]
}

run "a_next_key_that_is_none" {
  command = plan
  variables {
    public_key_next = "soon"
  }
  expect_failures = [var.public_key_next]
}

run "a_parameter_path_that_ends_in_a_slash" {
  command = plan
  variables {
    parameter_path = "/coretelecomms/"
  }
  expect_failures = [var.parameter_path]
}

run "an_address_to_tell" {
  command = plan
  variables {
    notified = ["data@example.com"]
  }
  expect_failures = [var.notified]
}

run "the_largest_warehouse" {
  command = plan
  variables {
    warehouse_size = "X6LARGE"
  }
  expect_failures = [var.warehouse_size]
}

run "a_warehouse_that_never_stops" {
  command = plan
  variables {
    auto_suspend = 0
  }
  expect_failures = [var.auto_suspend]
}

run "no_credits" {
  command = plan
  variables {
    monthly_credits = 0
  }
  expect_failures = [var.monthly_credits]
}

run "everybody_reads" {
  command = plan
  variables {
    readers = ["PUBLIC"]
  }
  expect_failures = [var.readers]
}

run "everybody_is_told_who_persons_are" {
  command = plan
  variables {
    private_readers = ["PUBLIC"]
  }
  expect_failures = [var.private_readers]
}
