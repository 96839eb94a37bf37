# As an environment of conf/env whose Bronze is in Snowflake has it: make env-from-terraform.
output "environment" {
  value = {
    warehouse = {
      kind      = "snowflake"
      database  = snowflake_database.platform.name
      bronze    = snowflake_schema.layer["BRONZE"].name
      warehouse = snowflake_warehouse.platform.name
      role      = snowflake_account_role.purpose["LOAD"].name
      user      = snowflake_service_user.platform.name
      stage     = snowflake_stage.lake.name
    }
  }
}

output "lake_trust" {
  description = "Who takes on lake_reader_role_arn, and the external id to ask for, for terraform/aws (snowflake_trust)."
  value = {
    principal   = snowflake_storage_integration.lake.storage_aws_iam_user_arn
    external_id = snowflake_storage_integration.lake.storage_aws_external_id
  }
}
