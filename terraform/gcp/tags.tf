# A policy tag a kind of personal column ([personal] of conf/sources): jobs and dbt attach it, and who may not read the
# tag may not read the column, whatever else she was granted. Off by default: to attach one takes dataOwner.
locals {
  kinds = {
    attribute = "Tells of a person without naming her"
    birth     = "Date of birth"
    contact   = "Where to reach a person"
    free_text = "What somebody wrote"
    identity  = "Who a person is"
    undecided = "Columns that no contract knows: they may hold anything"
  }
  tags = var.policy_tags ? local.kinds : {}
  # The load deletes a day by its rows, and dbt builds from them: both read what they write.
  see = merge(
    { for purpose in ["load", "dbt"] : purpose => "serviceAccount:${google_service_account.purpose[purpose].email}" },
    { for reader in var.private_readers : reader => reader }
  )
  attaches = {
    load_bronze      = { account = "load", layer = "bronze" }
    dbt_silver       = { account = "dbt", layer = "silver" }
    dbt_gold_private = { account = "dbt", layer = "gold_private" }
  }
}

resource "google_data_catalog_taxonomy" "personal" {
  count                  = var.policy_tags ? 1 : 0
  display_name           = "${var.name} personal"
  description            = "What columns tell of persons, as the source contracts name it"
  region                 = lower(var.bq_default_location)
  activated_policy_types = ["FINE_GRAINED_ACCESS_CONTROL"]
  depends_on             = [google_project_service.needed]
}

resource "google_data_catalog_policy_tag" "kind" {
  for_each     = local.tags
  taxonomy     = google_data_catalog_taxonomy.personal[0].id
  display_name = each.key
  description  = each.value
}

resource "google_data_catalog_policy_tag_iam_member" "sees" {
  for_each   = { for pair in setproduct(keys(local.tags), keys(local.see)) : "${pair[0]} ${pair[1]}" => pair }
  policy_tag = google_data_catalog_policy_tag.kind[each.value[0]].name
  role       = "roles/datacatalog.categoryFineGrainedReader"
  member     = local.see[each.value[1]]
}

# Of Google's own roles this one alone has bigquery.tables.setCategory.
resource "google_bigquery_dataset_iam_member" "attaches" {
  for_each   = var.policy_tags ? local.attaches : {}
  dataset_id = google_bigquery_dataset.layer[each.value.layer].dataset_id
  role       = var.tagging_role
  member     = "serviceAccount:${google_service_account.purpose[each.value.account].email}"
}
