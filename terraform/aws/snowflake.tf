# Snowflake reads raw, and what make verify-snowflake puts beside it, once terraform/snowflake has told who it comes as.
resource "aws_iam_role" "snowflake" {
  count              = var.snowflake_trust == null ? 0 : 1
  name               = "${var.name}-snowflake"
  assume_role_policy = data.aws_iam_policy_document.snowflake_trust[0].json
}

data "aws_iam_policy_document" "snowflake_trust" {
  count = var.snowflake_trust == null ? 0 : 1
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = [var.snowflake_trust.principal]
    }
    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = [var.snowflake_trust.external_id]
    }
  }
}

resource "aws_iam_role_policy" "snowflake" {
  count  = var.snowflake_trust == null ? 0 : 1
  name   = "read-raw"
  role   = aws_iam_role.snowflake[0].id
  policy = data.aws_iam_policy_document.snowflake.json
}

data "aws_iam_policy_document" "snowflake" {
  statement {
    sid       = "ReadRaw"
    actions   = ["s3:GetObject"]
    resources = ["${local.lake}/raw/*", "${local.lake}/scratch/coretelecoms_verify_*"]
  }
  statement {
    sid       = "LookIntoRaw"
    actions   = ["s3:ListBucket"]
    resources = [local.lake]
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["raw/*", "scratch/coretelecoms_verify_*"]
    }
  }
  statement {
    sid       = "ReadWithTheKey"
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.platform.arn]
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${var.region}.amazonaws.com"]
    }
  }
}
