resource "snowflake_account_role" "purpose" {
  for_each = {
    LOAD         = "Load Bronze from the stage"
    DBT          = "Build Silver and Gold"
    LOADER       = "Jobs and dbt: both of these"
    READ         = "Analysts: read Gold"
    READ_PRIVATE = "Who has to know who customers and agents are"
  }
  name    = "${var.name}_${each.key}"
  comment = each.value
}

locals {
  bronze  = snowflake_schema.layer["BRONZE"].fully_qualified_name
  gold    = snowflake_schema.layer["GOLD"].fully_qualified_name
  private = snowflake_schema.layer["GOLD_PRIVATE"].fully_qualified_name
  builds  = ["USAGE", "CREATE TABLE", "CREATE VIEW"]
  # Who may do what in a schema.
  in_schema = {
    load_bronze      = { role = "LOAD", schema = local.bronze, privileges = ["USAGE", "CREATE TABLE"] }
    dbt_bronze       = { role = "DBT", schema = local.bronze, privileges = ["USAGE"] }
    dbt_silver       = { role = "DBT", schema = snowflake_schema.layer["SILVER"].fully_qualified_name, privileges = local.builds }
    dbt_gold         = { role = "DBT", schema = local.gold, privileges = local.builds }
    dbt_gold_private = { role = "DBT", schema = local.private, privileges = local.builds }
    dbt_gold_build   = { role = "DBT", schema = snowflake_schema.layer["GOLD_BUILD"].fully_qualified_name, privileges = local.builds }
    read_gold        = { role = "READ", schema = local.gold, privileges = ["USAGE"] }
    read_private     = { role = "READ_PRIVATE", schema = local.private, privileges = ["USAGE"] }
  }
  reads = {
    dbt_bronze       = { role = "DBT", schema = local.bronze, plural = "TABLES" }
    read_gold        = { role = "READ", schema = local.gold, plural = "TABLES" }
    read_gold_views  = { role = "READ", schema = local.gold, plural = "VIEWS" }
    read_private     = { role = "READ_PRIVATE", schema = local.private, plural = "TABLES" }
    load_bronze_seen = { role = "LOAD", schema = local.bronze, plural = "TABLES" }
  }
}

resource "snowflake_grant_privileges_to_account_role" "warehouse" {
  for_each          = snowflake_account_role.purpose
  account_role_name = each.value.name
  privileges        = ["USAGE"]
  on_account_object {
    object_type = "WAREHOUSE"
    object_name = snowflake_warehouse.platform.name
  }
}

resource "snowflake_grant_privileges_to_account_role" "database" {
  for_each          = snowflake_account_role.purpose
  account_role_name = each.value.name
  privileges        = ["USAGE"]
  on_account_object {
    object_type = "DATABASE"
    object_name = snowflake_database.platform.name
  }
}

resource "snowflake_grant_privileges_to_account_role" "schema" {
  for_each          = local.in_schema
  account_role_name = snowflake_account_role.purpose[each.value.role].name
  privileges        = each.value.privileges
  on_schema {
    schema_name = each.value.schema
  }
}

resource "snowflake_grant_privileges_to_account_role" "read" {
  for_each          = local.reads
  account_role_name = snowflake_account_role.purpose[each.value.role].name
  privileges        = ["SELECT"]
  on_schema_object {
    future {
      object_type_plural = each.value.plural
      in_schema          = each.value.schema
    }
  }
}

resource "snowflake_grant_privileges_to_account_role" "stage" {
  account_role_name = snowflake_account_role.purpose["LOAD"].name
  privileges        = ["USAGE"]
  on_schema_object {
    object_type = "STAGE"
    object_name = snowflake_stage.lake.fully_qualified_name
  }
}

# A key pair, no password; as a service user nobody can log in with it in a browser.
resource "snowflake_service_user" "platform" {
  name              = "${var.name}_LOADER"
  comment           = "Jobs and dbt"
  rsa_public_key    = var.public_key
  rsa_public_key_2  = var.public_key_next
  default_role      = snowflake_account_role.purpose["LOADER"].name
  default_warehouse = snowflake_warehouse.platform.name
}

resource "snowflake_grant_account_role" "service" {
  for_each         = toset(["LOAD", "DBT"])
  role_name        = snowflake_account_role.purpose[each.key].name
  parent_role_name = snowflake_account_role.purpose["LOADER"].name
}

resource "snowflake_grant_account_role" "user" {
  role_name = snowflake_account_role.purpose["LOADER"].name
  user_name = snowflake_service_user.platform.name
}

# Snowflake's advice: SYSADMIN sees what all roles own.
resource "snowflake_grant_account_role" "above" {
  for_each         = snowflake_account_role.purpose
  role_name        = each.value.name
  parent_role_name = "SYSADMIN"
}

resource "snowflake_grant_account_role" "readers" {
  for_each         = var.readers
  role_name        = snowflake_account_role.purpose["READ"].name
  parent_role_name = each.key
}

resource "snowflake_grant_account_role" "private_readers" {
  for_each         = var.private_readers
  role_name        = snowflake_account_role.purpose["READ_PRIVATE"].name
  parent_role_name = each.key
}
