# As conf/env/snowflake.toml has it: make env-from-terraform.
output "environment" {
  description = "Entries of conf/env for an environment whose Bronze is in Snowflake."
  value = {
    warehouse = merge({ # Snowflake takes unquoted names in either case
      kind         = "snowflake"
      private_key  = "ssm:${var.parameter_path}/snowflake_private_key" # pragma: allowlist secret - a path
      user         = lower(snowflake_service_user.platform.name)
      role         = lower(snowflake_account_role.purpose["LOADER"].name)
      warehouse    = lower(snowflake_warehouse.platform.name)
      database     = lower(snowflake_database.platform.name)
      bronze       = lower(snowflake_schema.layer["BRONZE"].name)
      silver       = lower(snowflake_schema.layer["SILVER"].name)
      gold         = lower(snowflake_schema.layer["GOLD"].name)
      gold_private = lower(snowflake_schema.layer["GOLD_PRIVATE"].name)
      gold_build   = lower(snowflake_schema.layer["GOLD_BUILD"].name)
      stage        = lower("${snowflake_schema.layer["BRONZE"].name}.${snowflake_stage.lake.name}")
    }, { for name in var.masking_policies ? ["masking_policies"] : [] : name => lower(snowflake_schema.policies[0].name) })
  }
}

output "lake_trust" {
  description = "Who takes on lake_reader_role_arn, and the external id to ask for, for terraform/aws (snowflake_trust)."
  value = {
    principal   = snowflake_storage_integration.lake.storage_aws_iam_user_arn
    external_id = snowflake_storage_integration.lake.storage_aws_external_id
  }
}
