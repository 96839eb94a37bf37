variable "name" {
  description = "What the names of all resources begin with."
  type        = string
  default     = "coretelecoms"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,30}$", var.name))
    error_message = "name: 3 to 31 lower-case letters, digits and hyphens, a letter first."
  }
}

variable "region" {
  description = "Where everything of CoreTelecoms on AWS is."
  type        = string
  default     = "eu-north-1"
  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: a region of AWS, as eu-north-1."
  }
}

# The lake

variable "lake_bucket" {
  description = "The lake's bucket. Names are global: where it is taken, choose another."
  type        = string
  default     = "core-telecoms-capstone-data-lake"
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.lake_bucket))
    error_message = "lake_bucket: 3 to 63 lower-case letters, digits and hyphens (a dot breaks TLS host names)."
  }
}

variable "source_buckets" {
  description = "Buckets that deliveries are read from, conf/env's first: name -> account that must own it, or null: not checked."
  type        = map(string)
  default     = { "core-telecoms-data-lake" = null }
  validation {
    condition     = length(var.source_buckets) > 0 && alltrue([for owner in values(var.source_buckets) : owner == null || can(regex("^[0-9]{12}$", owner))])
    error_message = "source_buckets: at least one; an owner is an account of twelve digits, or null."
  }
}

variable "environment" {
  description = "Of conf/env, in the jobs' image: what Airflow submits jobs with."
  type        = string
  default     = "s3"
  validation {
    condition     = can(regex("^[a-z][a-z0-9_]*$", var.environment)) && var.environment != "local"
    error_message = "environment: s3, bigquery, snowflake, or another file's name in conf/env; jobs on AWS have no local lake."
  }
}

variable "bronze_in_lake" {
  description = "Bronze as Delta tables in the lake, as conf/env/s3.toml has it; false where it is in a warehouse."
  type        = bool
  default     = true
  validation {
    condition     = var.bronze_in_lake || var.environment != "s3"
    error_message = "bronze_in_lake: environment s3 has its Bronze there."
  }
}

variable "raw_days" {
  description = "Days that landings are kept: they hold personal data (SECURITY.md)."
  type        = number
  default     = 730
  validation {
    condition     = var.raw_days >= 30 && var.raw_days <= 3650
    error_message = "raw_days: 30 to 3650."
  }
}

variable "rejected_days" {
  description = "Days that rejected rows are kept."
  type        = number
  default     = 90
  validation {
    condition     = var.rejected_days >= 7 && var.rejected_days < var.raw_days
    error_message = "rejected_days: at least 7, and sooner than raw_days."
  }
}

# Spark

variable "release" {
  description = "EMR Serverless; 7.13 is Spark 3.5.6, as in requirements.in."
  type        = string
  default     = "emr-7.13.0"
  validation {
    condition     = can(regex("^emr-7\\.[0-9]+\\.[0-9]+$", var.release))
    error_message = "release: emr-7.x.y; the jobs are tested on Spark 3.5."
  }
}

variable "image" {
  description = "The jobs' image by digest, REPOSITORY@sha256:...; null until the first one is pushed (docs/deploy.md)."
  type        = string
  default     = null
  validation {
    condition     = var.image == null || can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image: by digest (@sha256:...); a tag can be moved."
  }
}

variable "limits" {
  description = "The most that all jobs together may use."
  type        = object({ vcpu = number, memory_gb = number, disk_gb = number })
  default     = { vcpu = 32, memory_gb = 128, disk_gb = 400 }
  validation {
    condition     = var.limits.vcpu >= 4 && var.limits.memory_gb >= 2 * var.limits.vcpu && var.limits.disk_gb >= 20
    error_message = "limits: at least 4 vcpu, 2 GB of memory for each, 20 GB of disk."
  }
}

variable "warm_executors" {
  description = "Executors (4 vCPU, 16 GB) and a driver kept ready while the application runs; they cost money when idle. 0: none."
  type        = number
  default     = 0
  validation {
    condition     = var.warm_executors >= 0 && 4 * (var.warm_executors + 1) <= var.limits.vcpu
    error_message = "warm_executors: 0, or as many as fit into limits together with a driver."
  }
}

# Network

variable "cidr" {
  description = "The network's addresses, a /16 to /20."
  type        = string
  default     = "10.42.0.0/16"
  validation {
    condition     = can(cidrhost(var.cidr, 0)) && contains(range(16, 21), try(tonumber(split("/", var.cidr)[1]), 0))
    error_message = "cidr: as 10.42.0.0/16, at most a /20."
  }
}

variable "nat" {
  description = "A way out for jobs: BigQuery, Sheets, REST, the parameter store and a public Postgres need it. About 35 USD a month and 0.05 USD a GB. Off, jobs reach S3 alone: enough to land files for Snowflake, which is then loaded from another machine."
  type        = bool
  default     = true
}

variable "egress_ports" {
  description = "Where jobs may connect to outside."
  type        = set(number)
  default     = [443, 5432]
  validation {
    condition     = alltrue([for port in var.egress_ports : port > 0 && port < 65536])
    error_message = "egress_ports: 1 to 65535."
  }
}

# Secrets

variable "parameter_path" {
  description = "The parameter store's path that jobs read; conf/env names it."
  type        = string
  default     = "/coretelecomms"
  validation {
    condition     = can(regex("^(/[A-Za-z0-9_.-]+)+$", var.parameter_path)) && !startswith(var.parameter_path, "/aws")
    error_message = "parameter_path: as /coretelecomms, no slash at its end, not below /aws."
  }
}

variable "secret_versions" {
  description = "Parameter below parameter_path -> a number. Raise it together with a new value in secrets: values are written only then."
  type        = map(number)
  default = {
    "database/db_host"           = 1
    "database/db_name"           = 1
    "database/db_password"       = 1
    "database/db_port"           = 1
    "database/db_username"       = 1
    "database/table_schema_name" = 1
    "outages_address"            = 1
    "outages_token"              = 1
    "sheets_key"                 = 1
  }
  validation {
    condition     = alltrue([for name, version in var.secret_versions : can(regex("^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$", name)) && version >= 1 && floor(version) == version])
    error_message = "secret_versions: names without a slash at either end, each with a whole number from 1."
  }
}

variable "secrets" {
  description = "Their values, or none for a plan. Ephemeral: in no state and no plan. Give them by TF_VAR_secrets from a password store, never in a file."
  type        = map(string)
  ephemeral   = true
  default     = {}
  validation {
    condition     = length(var.secrets) == 0 || length(setsubtract(keys(var.secret_versions), keys(var.secrets))) == 0
    error_message = "secrets: a value for every name in secret_versions, or none at all for a plan."
  }
}

variable "connections" {
  description = "Airflow connections in the parameter store (/airflow/connections/NAME) that jobs may read."
  type        = set(string)
  default     = []
  validation {
    condition     = alltrue([for name in var.connections : can(regex("^[A-Za-z0-9_.-]+$", name))])
    error_message = "connections: names alone; a path, or *, would open more."
  }
}

variable "airflow_variables" {
  description = "Airflow variables in the parameter store (/airflow/variables/NAME) that jobs may read."
  type        = set(string)
  default     = []
  validation {
    condition     = alltrue([for name in var.airflow_variables : can(regex("^[A-Za-z0-9_.-]+$", name))])
    error_message = "airflow_variables: names alone; a path, or *, would open more."
  }
}

# Who

variable "airflow_principals" {
  description = "ARNs of the roles that Airflow runs as; they may take on the Airflow role."
  type        = list(string)
  validation {
    condition     = length(var.airflow_principals) > 0 && alltrue([for arn in var.airflow_principals : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[^*]+$", arn))])
    error_message = "airflow_principals: at least one, each the ARN of a role or user; never * or a whole account."
  }
}

variable "snowflake_trust" {
  description = "Who in Snowflake reads the lake: output lake_trust of terraform/snowflake; null: nobody."
  type        = object({ principal = string, external_id = string })
  default     = null
  validation {
    condition     = var.snowflake_trust == null || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:user/[^*]+$", var.snowflake_trust.principal)) && try(length(var.snowflake_trust.external_id) > 5, false)
    error_message = "snowflake_trust: the ARN of Snowflake's user and the integration's external id."
  }
}

variable "github_repository" {
  description = "OWNER/NAME whose workflows push images and plan; null: no trust in GitHub."
  type        = string
  default     = null
  validation {
    condition     = var.github_repository == null || can(regex("^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", var.github_repository))
    error_message = "github_repository: OWNER/NAME, no wildcard."
  }
}

variable "state_bucket" {
  description = "The bucket of this state, made by terraform/bootstrap; a plan in a pull request reads it."
  type        = string
  default     = null
  validation {
    condition     = var.github_repository == null || var.state_bucket != null
    error_message = "state_bucket: needed where github_repository is given."
  }
}

# Money and logs

variable "monthly_budget" {
  description = "USD a month; mails go out at 80 % of it, and when the forecast passes it."
  type        = number
  default     = 200
  validation {
    condition     = var.monthly_budget > 0
    error_message = "monthly_budget: more than 0."
  }
}

variable "alarm_emails" {
  description = "Who gets those mails."
  type        = list(string)
  validation {
    condition     = length(var.alarm_emails) > 0 && alltrue([for mail in var.alarm_emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", mail))])
    error_message = "alarm_emails: at least one address."
  }
}

variable "log_days" {
  description = "Days that the jobs' logs are kept."
  type        = number
  default     = 365
  validation {
    condition     = contains([30, 60, 90, 120, 180, 365, 400, 545, 731], var.log_days)
    error_message = "log_days: 30, 60, 90, 120, 180, 365, 400, 545 or 731, as CloudWatch has them."
  }
}
