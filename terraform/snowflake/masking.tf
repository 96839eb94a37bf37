# A masking policy a kind of personal column ([personal] of conf/sources) and type: jobs and dbt attach it, and whoever is
# none of these roles sees null, whatever else was granted. Off by default: it needs Snowflake's Enterprise Edition.
locals {
  kinds = ["attribute", "birth", "contact", "free_text", "identity", "undecided"]
  types = { text = "VARCHAR", date = "DATE" }
  masks = {
    for pair in setproduct(local.kinds, keys(local.types)) : upper("${pair[0]}_${pair[1]}") => local.types[pair[1]]
    if var.masking_policies
  }
  see      = [for purpose in ["LOAD", "DBT", "READ_PRIVATE"] : snowflake_account_role.purpose[purpose].name]
  attaches = var.masking_policies ? toset(["LOAD", "DBT"]) : toset([])
}

resource "snowflake_schema" "policies" {
  count               = var.masking_policies ? 1 : 0
  database            = snowflake_database.platform.name
  name                = "${var.name}_POLICIES"
  with_managed_access = true
}

resource "snowflake_masking_policy" "personal" {
  for_each = local.masks
  database = snowflake_database.platform.name
  schema   = snowflake_schema.policies[0].name
  name     = each.key
  argument {
    name = "VAL"
    type = each.value
  }
  return_data_type = each.value
  body             = "case when ${join(" or ", [for role in local.see : "is_role_in_session('${role}')"])} then val end"
  comment          = "Columns that the source contracts call so: null to all but those who may know"
}

resource "snowflake_grant_privileges_to_account_role" "policies" {
  for_each          = local.attaches
  account_role_name = snowflake_account_role.purpose[each.key].name
  privileges        = ["USAGE"]
  on_schema {
    schema_name = snowflake_schema.policies[0].fully_qualified_name
  }
}

resource "snowflake_grant_privileges_to_account_role" "mask" {
  for_each          = { for pair in setproduct(local.attaches, keys(local.masks)) : "${pair[0]} ${pair[1]}" => pair }
  account_role_name = snowflake_account_role.purpose[each.value[0]].name
  privileges        = ["APPLY"]
  on_schema_object {
    object_type = "MASKING POLICY"
    object_name = snowflake_masking_policy.personal[each.value[1]].fully_qualified_name
  }
}
