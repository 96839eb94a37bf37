resource "aws_emrserverless_application" "spark" {
  name          = "${var.name}-spark"
  release_label = var.release
  type          = "SPARK"
  architecture  = "X86_64" # the BigQuery connector's and zstd's native parts are tested there

  dynamic "image_configuration" {
    for_each = var.image == null ? [] : [var.image]
    content {
      image_uri = image_configuration.value
    }
  }

  network_configuration {
    subnet_ids         = aws_subnet.private[*].id
    security_group_ids = [aws_security_group.jobs.id]
  }

  maximum_capacity {
    cpu    = "${var.limits.vcpu} vCPU"
    memory = "${var.limits.memory_gb} GB"
    disk   = "${var.limits.disk_gb} GB"
  }

  dynamic "initial_capacity" {
    for_each = var.warm_executors == 0 ? {} : { Driver = 1, Executor = var.warm_executors }
    content {
      initial_capacity_type = initial_capacity.key
      initial_capacity_config {
        worker_count = initial_capacity.value
        worker_configuration {
          cpu    = "4 vCPU"
          memory = "16 GB"
        }
      }
    }
  }

  auto_start_configuration {
    enabled = true
  }

  auto_stop_configuration {
    enabled              = true
    idle_timeout_minutes = 15
  }
}

# Each job run is told to write here (output airflow_connections): the provider has no such setting of an application.
resource "aws_cloudwatch_log_group" "spark" {
  name              = "/${var.name}/spark"
  retention_in_days = var.log_days
  kms_key_id        = aws_kms_key.platform.arn
}
