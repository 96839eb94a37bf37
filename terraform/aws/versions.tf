terraform {
  required_version = ">= 1.11" # write-only arguments; locks in the state's own bucket
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
  # Bucket and region come from terraform/bootstrap: terraform init -backend-config=../backend.hcl
  backend "s3" {
    key          = "coretelecoms/aws.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region
  default_tags {
    tags = { project = var.name }
  }
}

data "aws_caller_identity" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id
}
