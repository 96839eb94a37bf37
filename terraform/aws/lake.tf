resource "aws_s3_bucket" "lake" {
  # checkov:skip=CKV2_AWS_62: nobody waits for an event; Airflow looks at sources, not at the lake
  # checkov:skip=CKV_AWS_18: who reads which object is CloudTrail's, an account's matter (SECURITY.md)
  # checkov:skip=CKV_AWS_144: the suppliers' deliveries are the copy; personal data stays in one region
  bucket     = var.lake_bucket
  depends_on = [aws_kms_key.platform] # so that what it holds can be read for as long as it is there
  lifecycle {
    prevent_destroy = true # a destroy is refused as a whole, before it touches anything; on purpose: docs/deploy.md
  }
}

resource "aws_s3_bucket_versioning" "lake" {
  bucket = aws_s3_bucket.lake.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_ownership_controls" "lake" {
  bucket = aws_s3_bucket.lake.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "lake" {
  bucket                  = aws_s3_bucket.lake.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "lake" {
  bucket = aws_s3_bucket.lake.id
  rule {
    bucket_key_enabled = true # one call to KMS for many objects
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.platform.arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "lake" {
  bucket = aws_s3_bucket.lake.id
  # Versions are asked for too: without them what expires goes on lying there, personal data included.
  rule {
    id     = "raw"
    status = "Enabled"
    filter {
      prefix = "raw/"
    }
    transition {
      days          = 30
      storage_class = "STANDARD_IA"
    }
    expiration {
      days = var.raw_days
    }
  }
  rule {
    id     = "rejected"
    status = "Enabled"
    filter {
      tag { # they lie inside each landing; jobs/landing/raw.py sets it
        key   = "zone"
        value = "rejected"
      }
    }
    expiration {
      days = var.rejected_days
    }
    noncurrent_version_expiration {
      noncurrent_days = 7
    }
  }
  rule {
    id     = "scratch"
    status = "Enabled"
    filter {
      prefix = "scratch/"
    }
    expiration {
      days = 2
    }
    noncurrent_version_expiration {
      noncurrent_days = 1
    }
  }
  rule {
    id     = "old-versions" # of whatever was deleted or replaced, Bronze and run reports included
    status = "Enabled"
    filter {
      prefix = ""
    }
    noncurrent_version_expiration {
      noncurrent_days = 30
    }
  }
  rule {
    id     = "open-uploads"
    status = "Enabled"
    filter {
      prefix = ""
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }
  depends_on = [aws_s3_bucket_versioning.lake]
}

resource "aws_s3_bucket_policy" "lake" {
  bucket     = aws_s3_bucket.lake.id
  policy     = data.aws_iam_policy_document.lake.json
  depends_on = [aws_s3_bucket_public_access_block.lake]
}

data "aws_iam_policy_document" "lake" {
  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.lake.arn, "${aws_s3_bucket.lake.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
  # What landed, a manifest, a refusal, an attempt, a run report, a notice: each is put once, by If-None-Match, whoever
  # puts it. An upload in pieces says so when it is completed; S3 takes the header neither at its beginning nor with a
  # piece.
  statement {
    sid       = "NothingIsOverwritten"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = [for zone in ["raw", "attempts", "runs", "notices"] : "${aws_s3_bucket.lake.arn}/${zone}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Null"
      variable = "s3:if-none-match"
      values   = ["true"]
    }
    condition {
      test     = "BoolIfExists"
      variable = "s3:ObjectCreationOperation"
      values   = ["true"]
    }
  }
  # Whoever names an encryption names the platform's key; without any header the bucket's default is that key. One
  # statement a way around it.
  dynamic "statement" {
    for_each = local.other_keys
    content {
      sid       = statement.key
      effect    = "Deny"
      actions   = ["s3:PutObject"]
      resources = ["${aws_s3_bucket.lake.arn}/*"]
      principals {
        type        = "*"
        identifiers = ["*"]
      }
      dynamic "condition" {
        for_each = statement.value
        content {
          test     = condition.value.test
          variable = "s3:x-amz-server-side-encryption${condition.value.header}"
          values   = [condition.value.value]
        }
      }
    }
  }
}

locals {
  other_keys = {
    OnlyThePlatformsKey = [
      { test = "StringNotEquals", header = "-aws-kms-key-id", value = aws_kms_key.platform.arn },
      { test = "Null", header = "-aws-kms-key-id", value = "false" },
    ]
    NoKeyOfAmazons = [ # aws:kms alone means aws/s3, not the bucket's default
      { test = "StringEquals", header = "", value = "aws:kms" },
      { test = "Null", header = "-aws-kms-key-id", value = "true" },
    ]
    NoOtherCipher = [ # AES256 is S3's own key
      { test = "StringNotEquals", header = "", value = "aws:kms" },
      { test = "Null", header = "", value = "false" },
    ]
    NoKeyOfTheCallers = [ # SSE-C
      { test = "Null", header = "-customer-algorithm", value = "false" },
    ]
  }
}
