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
    condition     = [for view in [google_bigquery_table.newest["call_logs"]] : view.view[0].query if !strcontains(view.view[0].query, "SELECT * EXCEPT (_rescued) FROM")] == []
    error_message = "no view shows what nobody has looked at"
  }
  assert {
    condition     = length(google_project_iam_member.queries) == 5
    error_message = "three accounts and two persons may ask"
  }
}

run "persons_are_in_no_view" {
  command = plan
  variables {
    sources = ["customers", "agents"]
  }
  assert {
    condition     = strcontains(google_bigquery_table.newest["customers"].view[0].query, "SELECT * EXCEPT (_rescued, address, date_of_birth, email, gender, name, signup_date) FROM")
    error_message = "what tells of customers is left out"
  }
  assert {
    condition     = strcontains(google_bigquery_table.newest["agents"].view[0].query, "SELECT * EXCEPT (_rescued, name) FROM")
    error_message = "what tells of agents is left out"
  }
  assert {
    condition     = length(google_data_catalog_taxonomy.personal) + length(google_data_catalog_policy_tag.kind) + length(google_bigquery_dataset_iam_member.attaches) == 0
    error_message = "no tags until somebody asks for them"
  }
}

run "personal_columns_are_read_by_jobs_dbt_and_who_was_named" {
  command = apply
  variables {
    policy_tags     = true
    readers         = ["group:analysts@example.com"]
    private_readers = ["user:clerk@example.com"]
  }
  assert {
    condition     = google_data_catalog_taxonomy.personal[0].region == "eu" && google_data_catalog_taxonomy.personal[0].activated_policy_types == tolist(["FINE_GRAINED_ACCESS_CONTROL"])
    error_message = "tags lie where the datasets do, and are heeded"
  }
  assert {
    condition     = keys(output.environment.warehouse.policy_tags) == ["attribute", "birth", "contact", "free_text", "identity", "undecided"] && alltrue([for kind, tag in google_data_catalog_policy_tag.kind : tag.taxonomy == google_data_catalog_taxonomy.personal[0].id && output.environment.warehouse.policy_tags[kind] == tag.name])
    error_message = "a tag a kind, told to the jobs"
  }
  assert {
    condition     = length(setsubtract(flatten([for columns in values(local.personal) : values(columns)]), keys(local.kinds))) == 0
    error_message = "each kind that a contract names has its tag"
  }
  assert {
    condition     = toset([for member in google_data_catalog_policy_tag_iam_member.sees : "${member.member} ${member.role}"]) == toset([for member in ["serviceAccount:mocked@core-telecoms.iam.gserviceaccount.com", "user:clerk@example.com"] : "${member} roles/datacatalog.categoryFineGrainedReader"])
    error_message = "no reader of Gold, and not the pages' account"
  }
  assert {
    condition     = toset([for name, pair in { for one, pair in google_data_catalog_policy_tag_iam_member.sees : one => split(" ", one) } : pair[1]]) == toset(["load", "dbt", "user:clerk@example.com"]) && length(google_data_catalog_policy_tag_iam_member.sees) == 18
    error_message = "each sees each kind"
  }
  assert {
    condition     = { for name, one in google_bigquery_dataset_iam_member.attaches : name => "${one.dataset_id} ${one.role}" } == { for name, layer in { load_bronze = "bronze", dbt_silver = "silver", dbt_gold_private = "gold_private" } : name => "coretelecoms_${layer} roles/bigquery.dataOwner" }
    error_message = "who attaches, and where"
  }
}

run "a_role_that_may_do_anything_to_tag" {
  command = plan
  variables {
    policy_tags  = true
    tagging_role = "roles/owner"
  }
  expect_failures = [var.tagging_role]
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
    sources = ["call_logs", "logs"]
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
