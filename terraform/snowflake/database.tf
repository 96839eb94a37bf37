resource "snowflake_database" "platform" {
  name                        = var.name
  comment                     = "Complaints of a telecom's customers"
  data_retention_time_in_days = 7
}

# Managed access: rights on what lies in a schema are granted here, not by whoever made a table.
resource "snowflake_schema" "layer" {
  for_each            = toset(["BRONZE", "SILVER", "GOLD", "GOLD_PRIVATE", "GOLD_BUILD"])
  database            = snowflake_database.platform.name
  name                = "${var.name}_${each.key}"
  with_managed_access = true
}

resource "snowflake_resource_monitor" "month" {
  name                      = "${var.name}_MONTH"
  credit_quota              = var.monthly_credits
  frequency                 = "MONTHLY"
  start_timestamp           = "IMMEDIATELY"
  notify_triggers           = [80]
  suspend_trigger           = 100
  suspend_immediate_trigger = 110
  notify_users              = var.notified
}

resource "snowflake_warehouse" "platform" {
  name                         = var.name
  warehouse_size               = var.warehouse_size
  auto_suspend                 = var.auto_suspend
  auto_resume                  = true
  initially_suspended          = true
  statement_timeout_in_seconds = 3600
  resource_monitor             = snowflake_resource_monitor.month.name
}
