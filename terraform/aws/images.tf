resource "aws_ecr_repository" "spark" {
  name                 = "${var.name}-spark"
  image_tag_mutability = "IMMUTABLE"
  image_scanning_configuration {
    scan_on_push = true
  }
  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = aws_kms_key.platform.arn
  }
}

resource "aws_ecr_lifecycle_policy" "spark" {
  repository = aws_ecr_repository.spark.name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "the last twenty pushes: an index, an image and its attestations each"
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 60 }
      action       = { type = "expire" }
    }]
  })
}

resource "aws_ecr_repository_policy" "spark" {
  repository = aws_ecr_repository.spark.name
  policy     = data.aws_iam_policy_document.pull.json
}

data "aws_iam_policy_document" "pull" {
  statement {
    sid     = "ThisApplicationPulls"
    actions = ["ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetDownloadUrlForLayer"]
    principals {
      type        = "Service"
      identifiers = ["emr-serverless.amazonaws.com"]
    }
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:aws:emr-serverless:${var.region}:${local.account}:/applications/*"]
    }
  }
}
