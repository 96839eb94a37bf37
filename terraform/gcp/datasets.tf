locals {
  datasets = {
    bronze       = "One to one with what was delivered, all text"
    silver       = "Cleaned: one schema for all channels"
    gold         = "Facts, dimensions, aggregates"
    gold_private = "Who customers and agents are: for private_readers alone"
    gold_build   = "Gold while it is built and tested: dbt's alone"
  }
}

locals {
  # Source -> column -> what it tells of persons, with `_rescued`, which may hold anything: make personal-columns
  personal = jsondecode(file("${path.module}/personal.json"))
}

resource "google_project_service" "needed" {
  for_each           = toset(["bigquery", "bigquerystorage", "cloudresourcemanager", "datacatalog", "iam", "iamcredentials", "sts"])
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false # others in the project may use it
}

resource "google_bigquery_dataset" "layer" {
  # checkov:skip=CKV_GCP_81: encrypted by keys of Google; a key of ours would be one more thing to lose
  for_each                   = local.datasets
  dataset_id                 = "${var.name}_${each.key}"
  description                = each.value
  location                   = var.bq_default_location
  max_time_travel_hours      = 168
  delete_contents_on_destroy = false
  depends_on                 = [google_project_service.needed]
}

# Loads stage in here: what they leave when killed goes away by itself.
resource "google_bigquery_dataset" "staging" {
  # checkov:skip=CKV_GCP_81: encrypted by keys of Google; a key of ours would be one more thing to lose
  dataset_id                  = "${var.name}_staging"
  description                 = "Nothing to keep"
  location                    = var.bq_default_location
  default_table_expiration_ms = var.staging_hours * 3600 * 1000
  delete_contents_on_destroy  = true
  depends_on                  = [google_project_service.needed]
}

resource "google_bigquery_dataset" "views" {
  # checkov:skip=CKV_GCP_81: views hold nothing
  dataset_id                 = "${var.name}_views"
  description                = "For analysts: the newest delivery of each source, and the ledger"
  location                   = var.bq_default_location
  delete_contents_on_destroy = true # views only
  depends_on                 = [google_project_service.needed]
}

resource "google_bigquery_table" "newest" {
  # checkov:skip=CKV_GCP_80: a view holds nothing
  # checkov:skip=CKV_GCP_121: a view holds nothing, and is made again by the next apply
  for_each            = var.sources
  dataset_id          = google_bigquery_dataset.views.dataset_id
  table_id            = each.key
  description         = "The newest delivery of ${each.key}, without what tells of persons"
  deletion_protection = false
  view {
    use_legacy_sql = false
    query          = <<-SQL
      SELECT * EXCEPT (${join(", ", keys(local.personal[each.key]))}) FROM `${var.gcp_project_id}.${google_bigquery_dataset.layer["bronze"].dataset_id}.${each.key}`
      WHERE ingest_date > DATE '2000-01-01' -- Bronze asks for a filter that is known before the query runs
      AND ingest_date = (
        SELECT MAX(ingest_date) FROM `${var.gcp_project_id}.${google_bigquery_dataset.layer["bronze"].dataset_id}._publish_${each.key}`
        WHERE run_id IS NOT NULL)
    SQL
  }
}

resource "google_bigquery_table" "ledger" {
  # checkov:skip=CKV_GCP_80: a view holds nothing
  # checkov:skip=CKV_GCP_121: a view holds nothing, and is made again by the next apply
  count               = length(var.sources) == 0 ? 0 : 1
  dataset_id          = google_bigquery_dataset.views.dataset_id
  table_id            = "ledger"
  description         = "Which run each day of each source is of, and when it was published"
  deletion_protection = false
  view {
    use_legacy_sql = false
    query = join("\nUNION ALL\n", [
      for source in sort(var.sources) :
      "SELECT '${source}' AS source, ingest_date, run_id, published_at FROM `${var.gcp_project_id}.${google_bigquery_dataset.layer["bronze"].dataset_id}._publish_${source}` WHERE run_id IS NOT NULL"
    ])
  }
}

# The views read Bronze by themselves: who reads them needs no right on it.
resource "google_bigquery_dataset_access" "views_read_bronze" {
  dataset_id = google_bigquery_dataset.layer["bronze"].dataset_id
  dataset {
    target_types = ["VIEWS"]
    dataset {
      project_id = var.gcp_project_id
      dataset_id = google_bigquery_dataset.views.dataset_id
    }
  }
}
