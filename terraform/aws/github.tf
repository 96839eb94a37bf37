# GitHub's workflows without stored keys: one role pushes images from main, one plans in pull requests and sees nothing
# but the state (plan -refresh=false), which holds no secret.
locals {
  github = var.github_repository == null ? {} : {
    push = { subject = "repo:${var.github_repository}:ref:refs/heads/main", policy = data.aws_iam_policy_document.push.json }
    plan = { subject = "repo:${var.github_repository}:pull_request", policy = data.aws_iam_policy_document.plan.json }
  }
}

resource "aws_iam_openid_connect_provider" "github" {
  count          = var.github_repository == null ? 0 : 1
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_policy_document" "github_trust" {
  for_each = local.github
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.github[0].arn]
    }
    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:aud"
      values   = ["sts.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:sub"
      values   = [each.value.subject]
    }
  }
}

resource "aws_iam_role" "github" {
  for_each             = local.github
  name                 = "${var.name}-github-${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.github_trust[each.key].json
  max_session_duration = 3600
}

resource "aws_iam_role_policy" "github" {
  for_each = local.github
  name     = each.key
  role     = aws_iam_role.github[each.key].id
  policy   = each.value.policy
}

data "aws_iam_policy_document" "push" {
  statement {
    sid = "PushImages"
    actions = [
      "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:GetDownloadUrlForLayer",
      "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
    ]
    resources = [aws_ecr_repository.spark.arn]
  }
  statement {
    sid       = "LogIn" # the action knows no resource
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "plan" {
  statement {
    sid       = "ReadState"
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::${coalesce(var.state_bucket, "none")}/coretelecoms/*"]
  }
  statement {
    sid       = "FindState"
    actions   = ["s3:ListBucket"]
    resources = ["arn:aws:s3:::${coalesce(var.state_bucket, "none")}"]
  }
  statement {
    sid       = "ReadZones" # the actions know no resource
    actions   = ["ec2:DescribeAvailabilityZones"]
    resources = ["*"]
  }
}
