# Values are write-only: Terraform hands them over and forgets them. They are written when the number in
# secret_versions changes, and never read back into state.
resource "aws_ssm_parameter" "secret" {
  for_each         = var.secret_versions
  name             = "${var.parameter_path}/${each.key}"
  type             = "SecureString"
  key_id           = aws_kms_key.platform.arn
  tier             = "Intelligent-Tiering"                           # a service account's key is larger than 4 KB with its certificate
  value_wo         = terraform.applying ? var.secrets[each.key] : "" # a plan compares versions alone, and needs no secret
  value_wo_version = each.value
}
