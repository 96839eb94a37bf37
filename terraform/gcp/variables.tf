variable "name" {
  description = "What the names of accounts and datasets begin with."
  type        = string
  default     = "coretelecoms"
  validation {
    condition     = can(regex("^[a-z][a-z0-9]{2,19}$", var.name))
    error_message = "name: 3 to 20 lower-case letters and digits, a letter first."
  }
}

variable "gcp_project_id" {
  description = "The project that holds the warehouse."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.gcp_project_id))
    error_message = "gcp_project_id: the id (6 to 30 lower-case letters, digits and hyphens), not the number."
  }
}

variable "gcp_region" {
  description = "Where what is regional lies."
  type        = string
  default     = "europe-north1"
  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.gcp_region))
    error_message = "gcp_region: a region, as europe-north1."
  }
}

variable "bq_default_location" {
  description = "Where the datasets lie. They hold personal data of customers in the EU, and cannot be moved later."
  type        = string
  default     = "EU"
  validation {
    condition     = var.bq_default_location == "EU" || can(regex("^europe-[a-z]+[0-9]+$", var.bq_default_location))
    error_message = "bq_default_location: EU, or a region in Europe."
  }
}

variable "staging_hours" {
  description = "Hours after which a staging table that a killed load left is dropped."
  type        = number
  default     = 24
  validation {
    condition     = var.staging_hours >= 1 && var.staging_hours <= 168
    error_message = "staging_hours: 1 to 168."
  }
}

variable "aws_account_id" {
  description = "The account whose roles may become the accounts here."
  type        = string
  validation {
    condition     = can(regex("^[0-9]{12}$", var.aws_account_id))
    error_message = "aws_account_id: twelve digits."
  }
}

variable "aws_roles" {
  description = "Names of the AWS roles that become the account of that purpose: jobs load, Airflow runs dbt."
  type        = object({ load = string, dbt = string })
  default     = { load = "coretelecoms-execution", dbt = "coretelecoms-airflow" }
  validation {
    condition     = alltrue([for role in values(var.aws_roles) : can(regex("^[A-Za-z0-9+=,.@_-]+$", role))])
    error_message = "aws_roles: names, neither ARNs nor wildcards."
  }
}

variable "readers" {
  description = "Who reads Gold and the views, as group:... or user:..."
  type        = set(string)
  default     = []
  validation {
    condition     = alltrue([for reader in var.readers : can(regex("^(user|group|serviceAccount):[^@ ]+@[^@ ]+$", reader))])
    error_message = "readers: user:, group: or serviceAccount: and an address; never allUsers."
  }
}

variable "private_readers" {
  description = "Who reads who customers and agents are, as readers; for the rest of Gold they stand in readers too."
  type        = set(string)
  default     = []
  validation {
    condition     = alltrue([for reader in var.private_readers : can(regex("^(user|group|serviceAccount):[^@ ]+@[^@ ]+$", reader))])
    error_message = "private_readers: user:, group: or serviceAccount: and an address; never allUsers."
  }
}

variable "policy_tags" {
  description = "Tag personal columns of Bronze, Silver and gold_private, so that only jobs, dbt and private_readers read them."
  type        = bool
  default     = false
}

variable "tagging_role" {
  description = "What lets jobs and dbt attach a tag: dataOwner, or a role of your own with bigquery.tables.setCategory alone."
  type        = string
  default     = "roles/bigquery.dataOwner"
  validation {
    condition     = can(regex("^(roles/bigquery.dataOwner|(projects|organizations)/[^/]+/roles/[A-Za-z0-9_.]+)$", var.tagging_role))
    error_message = "tagging_role: roles/bigquery.dataOwner, or projects/P/roles/R of your own."
  }
}

variable "sources" {
  description = "Bronze tables that analysts see the newest delivery of; empty until they were loaded once: a view needs its table."
  type        = set(string)
  default     = []
  validation {
    condition     = alltrue([for source in var.sources : contains(keys(local.personal), source)])
    error_message = "sources: names as in conf/sources; of a new one first make personal-columns."
  }
}
