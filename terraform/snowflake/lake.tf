# Snowflake reads the lake by a role of AWS: no key. After the first apply the two facts in `lake_trust` go into that
# role's trust (docs/deploy.md).
resource "snowflake_storage_integration" "lake" {
  name                      = "${var.name}_LAKE"
  type                      = "EXTERNAL_STAGE"
  enabled                   = true
  storage_provider          = "S3"
  storage_aws_role_arn      = var.lake_reader_role_arn
  storage_allowed_locations = ["s3://${var.lake_bucket}/"] # what Snowflake may read of it, the AWS role decides (terraform/aws/snowflake.tf)
}

resource "snowflake_stage" "lake" {
  database            = snowflake_database.platform.name
  schema              = snowflake_schema.layer["BRONZE"].name
  name                = "LAKE"
  url                 = "s3://${var.lake_bucket}/"
  storage_integration = snowflake_storage_integration.lake.name # each COPY names its file format itself
}
