# The bucket that holds all state, made once. Its own state stays on the machine that ran it (terraform.tfstate here, not
# committed): it names one bucket and one key, both of which can be imported again.
terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "region" {
  description = "Where the bucket is; terraform/aws may be elsewhere."
  type        = string
  default     = "eu-north-1"
  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: a region of AWS, as eu-north-1."
  }
}

variable "state_bucket" {
  description = "Names are global: choose one of your own."
  type        = string
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.state_bucket))
    error_message = "state_bucket: 3 to 63 lower-case letters, digits and hyphens."
  }
}

provider "aws" {
  region = var.region
}

resource "aws_s3_bucket" "state" {
  # checkov:skip=CKV2_AWS_61: every version of the state is kept: a few kilobytes each
  # checkov:skip=CKV2_AWS_62: nobody waits for an event
  # checkov:skip=CKV_AWS_18: who reads the state is CloudTrail's, an account's matter (SECURITY.md)
  # checkov:skip=CKV_AWS_144: lost state can be imported again; nothing runs by it
  bucket = var.state_bucket
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket                  = aws_s3_bucket.state.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm = "aws:kms"
    }
  }
}

resource "aws_s3_bucket_policy" "state" {
  bucket     = aws_s3_bucket.state.id
  policy     = data.aws_iam_policy_document.state.json
  depends_on = [aws_s3_bucket_public_access_block.state]
}

data "aws_iam_policy_document" "state" {
  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
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
}

# terraform output -raw backend > ../backend.hcl
output "backend" {
  description = "For terraform init -backend-config=../backend.hcl in the other folders."
  value       = "bucket = \"${aws_s3_bucket.state.bucket}\"\nregion = \"${var.region}\"\n"
}
