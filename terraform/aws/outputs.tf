# As conf/env/NAME.toml has it: make env-from-terraform puts it there, so that no name is typed twice.
output "environment" {
  description = "Entries of conf/env for an environment whose sources and lake are on S3."
  value = merge(
    {
      sources = "s3://${keys(var.source_buckets)[0]}"
      lake    = "s3://${aws_s3_bucket.lake.bucket}"
      s3 = {
        region  = var.region
        kms_key = aws_kms_key.platform.arn
        owners = {
          for bucket, owner in merge(var.source_buckets, { (aws_s3_bucket.lake.bucket) = local.account }) :
          bucket => owner if owner != null
        }
      }
      secrets = merge( # pragma: allowlist secret - a path
        { database = "ssm:${var.parameter_path}/database" },
        { for name in keys(var.secret_versions) : name => "ssm:${var.parameter_path}/${name}" if can(regex("^[a-z_]+$", name)) && !can(regex("_address$|^snowflake_", name)) },
      )
      services = { for name in keys(var.secret_versions) : trimsuffix(name, "_address") => "ssm:${var.parameter_path}/${name}" if endswith(name, "_address") }
    },
    var.bronze_in_lake ? { warehouse = { kind = "delta", path = "s3://${aws_s3_bucket.lake.bucket}/bronze" } } : null,
  )
}

output "airflow_connections" {
  description = "For airflow connections add: where Spark runs, and as whom Airflow submits."
  value = {
    CORE_TELECOMS_SPARK_CONN = {
      conn_type = "generic"
      extra = {
        environment        = var.environment
        application_id     = aws_emrserverless_application.spark.id
        execution_role_arn = aws_iam_role.execution.arn
        log_group          = aws_cloudwatch_log_group.spark.name
        pages              = "s3://${aws_s3_bucket.lake.bucket}/pages"
      }
    }
    CDE_CAPSTONE_AWS_CONN = {
      conn_type = "aws"
      extra     = { region_name = var.region, role_arn = aws_iam_role.airflow.arn }
    }
  }
}

output "execution_role_arn" {
  description = "Whom jobs run as; terraform/gcp trusts it, terraform/snowflake's reader is another."
  value       = aws_iam_role.execution.arn
}

output "application" {
  description = "The EMR Serverless application."
  value       = { id = aws_emrserverless_application.spark.id, arn = aws_emrserverless_application.spark.arn }
}

output "image_repository" {
  description = "Where images are pushed; then apply with image = REPOSITORY@sha256:..."
  value       = aws_ecr_repository.spark.repository_url
}

output "log_group" {
  description = "Where each job run's driver and executors write."
  value       = aws_cloudwatch_log_group.spark.name
}

output "github_roles" {
  description = "For the repository's variables AWS_PUSH_ROLE and AWS_PLAN_ROLE."
  value       = { for name, role in aws_iam_role.github : name => role.arn }
}
