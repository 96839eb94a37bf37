terraform {
  required_version = ">= 1.11"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }
  # In the same bucket as the rest: terraform init -backend-config=../backend.hcl (terraform/bootstrap).
  backend "s3" {
    key          = "coretelecoms/gcp.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

provider "google" {
  project = var.gcp_project_id
  region  = var.gcp_region
  default_labels = {
    project = var.name
  }
}
