locals {
  accounts = {
    load = "Jobs: load Bronze"
    dbt  = "dbt: build Silver and Gold"
    read = "Pages and dashboards: read Gold and the views"
  }
  # Purpose -> what it may do in which dataset. Nothing is granted on the project but to run queries.
  grants = {
    load_bronze      = { account = "load", dataset = google_bigquery_dataset.layer["bronze"].dataset_id, role = "roles/bigquery.dataEditor" }
    load_staging     = { account = "load", dataset = google_bigquery_dataset.staging.dataset_id, role = "roles/bigquery.dataEditor" }
    dbt_bronze       = { account = "dbt", dataset = google_bigquery_dataset.layer["bronze"].dataset_id, role = "roles/bigquery.dataViewer" }
    dbt_silver       = { account = "dbt", dataset = google_bigquery_dataset.layer["silver"].dataset_id, role = "roles/bigquery.dataEditor" }
    dbt_gold         = { account = "dbt", dataset = google_bigquery_dataset.layer["gold"].dataset_id, role = "roles/bigquery.dataEditor" }
    dbt_gold_private = { account = "dbt", dataset = google_bigquery_dataset.layer["gold_private"].dataset_id, role = "roles/bigquery.dataEditor" }
    dbt_gold_build   = { account = "dbt", dataset = google_bigquery_dataset.layer["gold_build"].dataset_id, role = "roles/bigquery.dataEditor" }
    read_gold        = { account = "read", dataset = google_bigquery_dataset.layer["gold"].dataset_id, role = "roles/bigquery.dataViewer" }
    read_views       = { account = "read", dataset = google_bigquery_dataset.views.dataset_id, role = "roles/bigquery.dataViewer" }
  }
  # Which AWS role may become which account: jobs load; Airflow builds, and looks at what was loaded (status) as dbt does.
  trusted = {
    jobs_load   = { account = "load", role = var.aws_roles.load }
    airflow_dbt = { account = "dbt", role = var.aws_roles.dbt }
  }
  people   = setunion(var.readers, var.private_readers)
  readable = { gold = google_bigquery_dataset.layer["gold"].dataset_id, views = google_bigquery_dataset.views.dataset_id }
}

resource "google_service_account" "purpose" {
  for_each     = local.accounts
  account_id   = "${var.name}-${each.key}"
  display_name = each.value
  depends_on   = [google_project_service.needed]
}

resource "google_bigquery_dataset_iam_member" "purpose" {
  for_each   = local.grants
  dataset_id = each.value.dataset
  role       = each.value.role
  member     = "serviceAccount:${google_service_account.purpose[each.value.account].email}"
}

# Who customers and agents are, no account of Terraform's reads but dbt's, which writes it.
resource "google_bigquery_dataset_iam_member" "private" {
  for_each   = var.private_readers
  dataset_id = google_bigquery_dataset.layer["gold_private"].dataset_id
  role       = "roles/bigquery.dataViewer"
  member     = each.value
}

resource "google_bigquery_dataset_iam_member" "people" {
  for_each   = { for pair in setproduct(var.readers, keys(local.readable)) : "${pair[0]} ${pair[1]}" => pair }
  dataset_id = local.readable[each.value[1]]
  role       = "roles/bigquery.dataViewer"
  member     = each.value[0]
}

# Running a query is a right on the project; it reads nothing by itself.
resource "google_project_iam_member" "queries" {
  for_each   = merge({ for name, account in google_service_account.purpose : name => "serviceAccount:${account.email}" }, { for reader in local.people : reader => reader })
  project    = var.gcp_project_id
  role       = "roles/bigquery.jobUser"
  member     = each.value
  depends_on = [google_project_service.needed]
}

# Jobs on AWS become these accounts for an hour at a time: there is no key to lose.
resource "google_iam_workload_identity_pool" "aws" {
  workload_identity_pool_id = "${var.name}-aws"
  display_name              = "${var.name} on AWS"
  depends_on                = [google_project_service.needed]
}

resource "google_iam_workload_identity_pool_provider" "aws" {
  # checkov:skip=CKV_GCP_125: about GitHub; this provider trusts two roles of one AWS account
  workload_identity_pool_id          = google_iam_workload_identity_pool.aws.workload_identity_pool_id
  workload_identity_pool_provider_id = "aws-roles" # Google asks for 4 to 32 characters
  attribute_mapping = {
    "google.subject"     = "assertion.arn"
    "attribute.aws_role" = "assertion.arn.extract('assumed-role/{role}/')"
  }
  attribute_condition = "attribute.aws_role in ['${var.aws_roles.load}', '${var.aws_roles.dbt}']"
  aws {
    account_id = var.aws_account_id
  }
}

resource "google_service_account_iam_member" "becomes" {
  for_each           = local.trusted
  service_account_id = google_service_account.purpose[each.value.account].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.aws.name}/attribute.aws_role/${each.value.role}"
}
