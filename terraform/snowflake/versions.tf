terraform {
  required_version = ">= 1.11"
  required_providers {
    snowflake = {
      source  = "snowflakedb/snowflake"
      version = "~> 2.11"
    }
  }
  # In the same bucket as the rest: terraform init -backend-config=../backend.hcl (terraform/bootstrap).
  backend "s3" {
    key          = "coretelecoms/snowflake.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

# Account, user and key come from the environment: SNOWFLAKE_ORGANIZATION_NAME, SNOWFLAKE_ACCOUNT_NAME, SNOWFLAKE_USER,
# SNOWFLAKE_PRIVATE_KEY with SNOWFLAKE_AUTHENTICATOR=SNOWFLAKE_JWT. The role needs ACCOUNTADMIN for monitor and integration.
provider "snowflake" {
  preview_features_enabled = ["snowflake_stage_resource", "snowflake_storage_integration_resource"]
}
