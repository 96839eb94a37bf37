# What Airflow may do: start, watch and cancel this application's jobs, hand them that one role, read the ledger, publish
# the pages.
resource "aws_iam_role" "airflow" {
  name               = "${var.name}-airflow"
  assume_role_policy = data.aws_iam_policy_document.airflow_trust.json
}

data "aws_iam_policy_document" "airflow_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = var.airflow_principals
    }
  }
}

resource "aws_iam_role_policy" "airflow" {
  name   = "submit"
  role   = aws_iam_role.airflow.id
  policy = data.aws_iam_policy_document.airflow.json
}

data "aws_iam_policy_document" "airflow" {
  statement {
    sid       = "SubmitToThisApplication"
    actions   = ["emr-serverless:StartJobRun", "emr-serverless:ListJobRuns", "emr-serverless:GetApplication", "emr-serverless:StartApplication"]
    resources = [aws_emrserverless_application.spark.arn]
  }
  statement {
    sid       = "WatchItsJobs"
    actions   = ["emr-serverless:GetJobRun", "emr-serverless:CancelJobRun", "emr-serverless:GetDashboardForJobRun"]
    resources = ["${aws_emrserverless_application.spark.arn}/jobruns/*"]
  }
  statement {
    sid       = "HandOverOneRole"
    actions   = ["iam:PassRole"]
    resources = [aws_iam_role.execution.arn]
    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["emr-serverless.amazonaws.com"]
    }
  }
  statement {
    sid       = "ReadLedger" # and Bronze, where dbt reads it from the lake
    actions   = ["s3:GetObject"]
    resources = concat([for object in local.ledger : "${local.lake}/${object}"], local.bronze)
  }
  statement {
    sid       = "ShowRejectedRows" # masked, on the run page
    actions   = ["s3:GetObject"]
    resources = ["${local.lake}/raw/*/rejected/*"]
  }
  statement {
    sid       = "RecountLandings" # once a week, row by row
    actions   = ["s3:GetObject"]
    resources = ["${local.lake}/raw/*/landed*/*"]
  }
  statement {
    sid       = "PublishPages"
    actions   = ["s3:PutObject"]
    resources = ["${local.lake}/pages/*"]
  }
  statement {
    sid       = "TellOnce" # that a delivery is late, or has come
    actions   = ["s3:PutObject"]
    resources = ["${local.lake}/notices/*"]
  }
  statement {
    sid       = "DecideOnCorrections" # that are held: approve, discard
    actions   = ["s3:PutObject"]
    resources = ["${local.lake}/raw/*/_amendment-*.json"]
  }
  statement {
    sid       = "LookWhatArrived"
    actions   = ["s3:ListBucket"]
    resources = concat([local.lake], [for bucket in keys(var.source_buckets) : "arn:aws:s3:::${bucket}"])
  }
  statement {
    sid       = "LookAtDeliveries" # HEAD is GetObject's right; the sensor reads no bytes of a file, the recount all of them
    actions   = ["s3:GetObject"]
    resources = [for bucket in keys(var.source_buckets) : "arn:aws:s3:::${bucket}/*"]
  }
  statement {
    sid       = "ReadItsSecrets" # to look at tables, sheet and API; and to see that a job will find its connections
    actions   = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"]
    resources = concat(["${local.parameters}${var.parameter_path}/*"], local.airflow_parameters)
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
}
