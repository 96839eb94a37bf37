variable "name" {
  description = "What the names of all objects begin with."
  type        = string
  default     = "CORETELECOMS"
  validation {
    condition     = can(regex("^[A-Z][A-Z0-9_]{2,30}$", var.name))
    error_message = "name: 3 to 31 upper-case letters, digits and _, as Snowflake keeps unquoted names."
  }
}

variable "lake_bucket" {
  description = "The lake's bucket, as terraform/aws made it."
  type        = string
  default     = "core-telecoms-capstone-data-lake"
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.lake_bucket))
    error_message = "lake_bucket: a bucket's name, without s3://."
  }
}

variable "lake_reader_role_arn" {
  description = "The AWS role that Snowflake takes on to read the lake."
  type        = string
  validation {
    condition     = can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[^*]+$", var.lake_reader_role_arn))
    error_message = "lake_reader_role_arn: the ARN of a role."
  }
}

variable "public_key" {
  description = "The service user's public key: base64 of its PEM in one line, without header and footer. The private one stays in the parameter store."
  type        = string
  validation {
    condition     = can(regex("^MII[A-Za-z0-9+/=]{200,}$", var.public_key))
    error_message = "public_key: RSA, base64 in one line, without BEGIN and END; never the private key."
  }
}

variable "public_key_next" {
  description = "A second one while keys are changed."
  type        = string
  default     = null
  validation {
    condition     = var.public_key_next == null || can(regex("^MII[A-Za-z0-9+/=]{200,}$", var.public_key_next))
    error_message = "public_key_next: as public_key, or null."
  }
}

variable "parameter_path" {
  description = "As in terraform/aws: there the private key is stored, as snowflake_private_key."
  type        = string
  default     = "/coretelecomms"
  validation {
    condition     = can(regex("^(/[A-Za-z0-9_.-]+)+$", var.parameter_path))
    error_message = "parameter_path: as /coretelecomms, no slash at its end."
  }
}

variable "warehouse_size" {
  description = "One size a warehouse."
  type        = string
  default     = "XSMALL"
  validation {
    condition     = contains(["XSMALL", "SMALL", "MEDIUM", "LARGE"], var.warehouse_size)
    error_message = "warehouse_size: XSMALL, SMALL, MEDIUM or LARGE; the days of this telecom fit into the first."
  }
}

variable "auto_suspend" {
  description = "Seconds after which an idle warehouse stops costing money."
  type        = number
  default     = 60
  validation {
    condition     = var.auto_suspend >= 30 && var.auto_suspend <= 3600
    error_message = "auto_suspend: 30 to 3600 seconds; 0 would never suspend."
  }
}

variable "monthly_credits" {
  description = "Credits a month; users are told at 80 %, queries end at 100 %."
  type        = number
  default     = 50
  validation {
    condition     = var.monthly_credits > 0
    error_message = "monthly_credits: more than 0."
  }
}

variable "notified" {
  description = "Snowflake users, with a verified address, whom the monitor tells."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for user in var.notified : can(regex("^[A-Z_][A-Z0-9_$]*$", user))])
    error_message = "notified: users' names in upper case, not addresses."
  }
}

variable "readers" {
  description = "Account roles of analysts: they read Gold."
  type        = set(string)
  default     = []
  validation {
    condition     = !contains(var.readers, "PUBLIC")
    error_message = "readers: never PUBLIC, which is everybody."
  }
}

variable "private_readers" {
  description = "Account roles of those who may know who customers and agents are; for the rest of Gold they stand in readers too."
  type        = set(string)
  default     = []
  validation {
    condition     = !contains(var.private_readers, "PUBLIC")
    error_message = "private_readers: never PUBLIC, which is everybody."
  }
}

variable "masking_policies" {
  description = "Mask personal columns of Bronze, Silver and GOLD_PRIVATE but to jobs, dbt and private_readers; needs Snowflake's Enterprise Edition."
  type        = bool
  default     = false
}
