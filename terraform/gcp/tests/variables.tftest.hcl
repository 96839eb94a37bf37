# What a mistake in the variables is refused by, one a case. No project is needed: terraform test
mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      email = "mocked@core-telecoms.iam.gserviceaccount.com"
      name  = "projects/core-telecoms/serviceAccounts/mocked@core-telecoms.iam.gserviceaccount.com"
    }
  }
}

variables {
  gcp_project_id = "core-telecoms"
  aws_account_id = "123456789012"
}

run "datasets_lie_in_the_eu_under_their_names" {
  command = apply
  assert {
    condition     = output.datasets == { for layer in ["bronze", "silver", "gold", "gold_private", "gold_build"] : layer => "coretelecoms_${layer}" }
    error_message = "the warehouse's names"
  }
  assert {
    condition     = alltrue([for dataset in google_bigquery_dataset.layer : dataset.location == "EU"])
    error_message = "personal data in the EU"
  }
  assert {
    condition     = google_bigquery_dataset.staging.default_table_expiration_ms == 86400000
    error_message = "staging goes away by itself"
  }
  assert {
    condition     = alltrue([for member in google_project_iam_member.queries : member.role == "roles/bigquery.jobUser"])
    error_message = "nothing on the project but to run queries"
  }
  assert {
    condition = alltrue([
      for id in [google_iam_workload_identity_pool.aws.workload_identity_pool_id, google_iam_workload_identity_pool_provider.aws.workload_identity_pool_provider_id] :
      can(regex("^[a-z0-9-]{4,32}$", id)) && !startswith(id, "gcp-")
    ])
    error_message = "ids as Google's API takes them"
  }
  assert {
    condition     = alltrue([for account in google_service_account.purpose : can(regex("^[a-z]([a-z0-9-]{4,28}[a-z0-9])$", account.account_id))])
    error_message = "accounts' ids as Google's API takes them"
  }
  assert {
    condition     = toset([for one in google_service_account_iam_member.becomes : one.role]) == toset(["roles/iam.workloadIdentityUser"]) && toset(keys(google_service_account_iam_member.becomes)) == toset(["airflow_dbt", "jobs_load"])
    error_message = "jobs become load, Airflow dbt, nobody read"
  }
  assert {
    condition     = length(google_bigquery_dataset_iam_member.private) == 0
    error_message = "nobody is told who persons are until somebody says so"
  }
  assert {
    condition     = toset([for name, grant in local.grants : grant.account if contains(["coretelecoms_gold_private", "coretelecoms_gold_build"], grant.dataset)]) == toset(["dbt"])
    error_message = "persons, and Gold before its tests, are dbt's alone"
  }
  assert {
    condition     = length(google_bigquery_table.newest) == 0
    error_message = "no view before its table"
  }
}

run "analysts_see_the_newest_delivery_and_the_ledger" {
  command = plan
  variables {
    sources         = ["call_logs", "web_forms"]
    readers         = ["group:analysts@example.com"]
    private_readers = ["user:clerk@example.com"]
  }
  assert {
    condition     = toset(keys(google_bigquery_table.newest)) == toset(["call_logs", "web_forms"]) && length(google_bigquery_table.ledger) == 1
    error_message = "a view a source, and the ledger"
  }
  assert {
    condition     = alltrue([for member in google_bigquery_dataset_iam_member.people : member.role == "roles/bigquery.dataViewer"])
    error_message = "readers only read"
  }
  assert {
    condition = toset([for member in google_bigquery_dataset_iam_member.people : "${member.member} ${member.dataset_id}"]) == toset([
      "group:analysts@example.com coretelecoms_gold", "group:analysts@example.com coretelecoms_views"
    ])
    error_message = "readers get Gold and the views alone"
  }
  assert {
    condition = {
      for name, member in google_bigquery_dataset_iam_member.private : name => "${member.member} ${member.dataset_id} ${member.role}"
    } == { "user:clerk@example.com" = "user:clerk@example.com coretelecoms_gold_private roles/bigquery.dataViewer" }
    error_message = "private_readers read who persons are, and nothing else by that"
  }
  assert {
    condition     = length(google_project_iam_member.queries) == 5
    error_message = "three accounts and two persons may ask"
  }
}

run "a_project_by_number" {
  command = plan
  variables {
    gcp_project_id = "1234567890"
  }
  expect_failures = [var.gcp_project_id]
}

run "a_region_that_is_none" {
  command = plan
  variables {
    gcp_region = "Finland"
  }
  expect_failures = [var.gcp_region]
}

run "personal_data_outside_the_eu" {
  command = plan
  variables {
    bq_default_location = "US"
  }
  expect_failures = [var.bq_default_location]
}

run "staging_for_ever" {
  command = plan
  variables {
    staging_hours = 0
  }
  expect_failures = [var.staging_hours]
}

run "an_account_that_is_none" {
  command = plan
  variables {
    aws_account_id = "12345"
  }
  expect_failures = [var.aws_account_id]
}

run "any_role_of_the_account" {
  command = plan
  variables {
    aws_roles = { load = "*", dbt = "coretelecoms-airflow" }
  }
  expect_failures = [var.aws_roles]
}

run "everybody_reads" {
  command = plan
  variables {
    readers = ["allUsers"]
  }
  expect_failures = [var.readers]
}

run "everybody_is_told_who_persons_are" {
  command = plan
  variables {
    private_readers = ["allAuthenticatedUsers"]
  }
  expect_failures = [var.private_readers]
}

run "a_source_that_would_break_the_views" {
  command = plan
  variables {
    sources = ["call logs"]
  }
  expect_failures = [var.sources]
}

run "a_name_with_a_hyphen" {
  command = plan
  variables {
    name = "core-telecoms"
  }
  expect_failures = [var.name]
}
