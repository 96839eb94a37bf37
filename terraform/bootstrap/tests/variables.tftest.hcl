# What a mistake in the variables is refused by, one a case. No account is needed: terraform test
mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  state_bucket = "coretelecoms-state"
}

run "every_version_of_the_state_is_kept_and_nobody_else_sees_it" {
  command = plan
  assert {
    condition     = aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled"
    error_message = "versions"
  }
  assert {
    condition     = aws_s3_bucket_public_access_block.state.restrict_public_buckets && aws_s3_bucket_public_access_block.state.block_public_policy
    error_message = "no public access"
  }
}

run "a_region_that_is_none" {
  command = plan
  variables {
    region = "Stockholm"
  }
  expect_failures = [var.region]
}

run "a_bucket_with_capitals" {
  command = plan
  variables {
    state_bucket = "CoreTelecoms"
  }
  expect_failures = [var.state_bucket]
}
