# What jobs may do; docs/s3.md says why, tests/terraform holds it against every request that they make.
resource "aws_iam_role" "execution" {
  name               = "${var.name}-execution"
  assume_role_policy = data.aws_iam_policy_document.execution_trust.json
}

data "aws_iam_policy_document" "execution_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["emr-serverless.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:aws:emr-serverless:${var.region}:${local.account}:/applications/*"]
    }
  }
}

resource "aws_iam_role_policy" "execution" {
  name   = "jobs"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.execution.json
}

locals {
  lake = aws_s3_bucket.lake.arn
  # What the state of a day is read from: objects of the lake, each written once.
  ledger = ["raw/*/_manifest.json", "raw/*/_refused.json", "raw/*/_amendment-*.json", "attempts/*.json", "runs/*.json"]
  bronze = var.bronze_in_lake ? ["${local.lake}/bronze/*"] : []
  # Of the parameter store; below /airflow those that conf/env names as connection:NAME or variable:NAME.
  parameters = "arn:aws:ssm:${var.region}:${local.account}:parameter"
  airflow_parameters = concat(
    [for name in var.connections : "${local.parameters}/airflow/connections/${name}"],
    [for name in var.airflow_variables : "${local.parameters}/airflow/variables/${name}"],
  )
}

data "aws_iam_policy_document" "execution" {
  statement {
    sid       = "ReadDeliveries"
    actions   = ["s3:GetObject"]
    resources = [for bucket in keys(var.source_buckets) : "arn:aws:s3:::${bucket}/*"]
  }
  statement {
    sid       = "LookForDeliveries" # without it a missing object answers 403 instead of 404
    actions   = ["s3:ListBucket"]
    resources = [for bucket in keys(var.source_buckets) : "arn:aws:s3:::${bucket}"]
  }
  statement {
    sid       = "LookIntoLake"
    actions   = ["s3:ListBucket"]
    resources = [local.lake]
  }
  statement {
    sid     = "ReadLake"
    actions = ["s3:GetObject"]
    resources = concat(
      [for zone in ["raw", "attempts", "runs", "scratch"] : "${local.lake}/${zone}/*"],
      local.bronze,
    )
  }
  statement {
    sid       = "WriteLake"
    actions   = ["s3:PutObject", "s3:AbortMultipartUpload"]
    resources = concat(["${local.lake}/raw/*", "${local.lake}/scratch/*"], local.bronze)
  }
  statement {
    sid       = "WriteRunReports" # and attempts
    actions   = ["s3:PutObject"]
    resources = ["${local.lake}/runs/*", "${local.lake}/attempts/*"]
  }
  statement {
    sid       = "TagRejectedRows"
    actions   = ["s3:PutObjectTagging"]
    resources = ["${local.lake}/raw/*/rejected/*"]
  }
  statement {
    sid       = "DeleteScratchOnly" # below raw/ nothing, ever
    actions   = ["s3:DeleteObject"]
    resources = ["${local.lake}/scratch/*"]
  }
  statement {
    sid       = "ReadItsSecrets"
    actions   = ["ssm:GetParameter", "ssm:GetParametersByPath"]
    resources = ["${local.parameters}${var.parameter_path}/*"]
  }
  dynamic "statement" {
    for_each = length(local.airflow_parameters) == 0 ? [] : [local.airflow_parameters]
    content {
      sid       = "ReadWhatAirflowKeeps"
      actions   = ["ssm:GetParameter"]
      resources = statement.value
    }
  }
  statement {
    sid       = "UseThePlatformsKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.platform.arn]
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${var.region}.amazonaws.com", "ssm.${var.region}.amazonaws.com"]
    }
  }
  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.spark.arn}:*"]
  }
  statement {
    sid       = "FindLogGroup" # EMR asks before it writes; the action knows no resource
    actions   = ["logs:DescribeLogGroups"]
    resources = ["arn:aws:logs:${var.region}:${local.account}:log-group:*"]
  }
}
