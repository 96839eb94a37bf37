# As conf/env/bigquery.toml has it: make env-from-terraform.
output "environment" {
  description = "Entries of conf/env for an environment whose Bronze is in BigQuery."
  value = {
    warehouse = merge({
      kind         = "bigquery"
      project      = var.gcp_project_id
      location     = var.bq_default_location
      bronze       = google_bigquery_dataset.layer["bronze"].dataset_id
      staging      = google_bigquery_dataset.staging.dataset_id
      silver       = google_bigquery_dataset.layer["silver"].dataset_id
      gold         = google_bigquery_dataset.layer["gold"].dataset_id
      gold_private = google_bigquery_dataset.layer["gold_private"].dataset_id
      gold_build   = google_bigquery_dataset.layer["gold_build"].dataset_id
      dbt_secret   = "bigquery_dbt"
    }, { for name in var.policy_tags ? ["policy_tags"] : [] : name => { for kind, tag in google_data_catalog_policy_tag.kind : kind => tag.name } })
  }
}

output "datasets" {
  description = "For dbt's target bigquery."
  value       = { for layer, dataset in google_bigquery_dataset.layer : layer => dataset.dataset_id }
}

# No secret: it says whom to ask and as whom to come. It goes into the parameter store, where conf/env expects it.
output "federation" {
  description = "What google-auth takes instead of a key, a purpose."
  value = {
    for purpose in ["load", "dbt"] : purpose => jsonencode({
      type                              = "external_account"
      audience                          = "//iam.googleapis.com/${google_iam_workload_identity_pool_provider.aws.name}"
      subject_token_type                = "urn:ietf:params:aws:token-type:aws4_request" # pragma: allowlist secret - a kind
      token_url                         = "https://sts.googleapis.com/v1/token"         # pragma: allowlist secret - an address
      service_account_impersonation_url = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${google_service_account.purpose[purpose].email}:generateAccessToken"
      credential_source = {
        environment_id                 = "aws1"
        regional_cred_verification_url = "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
      }
    })
  }
}
