# One role as which functions of another account look at the buckets of the provider's.

# The readers are named by a condition, not as principals: IAM refuses principals that do not exist yet.
data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "TheReadersMayRunAsThisRole"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = distinct([for arn in var.reader_role_arns : replace(arn, "/:role\\/.*/", ":root")])
    }
    # aws:PrincipalArn is the role's ARN on AWS, whatever the session; emulators give the session's, which has no path.
    condition {
      test     = "ArnLike"
      variable = "aws:PrincipalArn"
      values = flatten([for arn in var.reader_role_arns : [
        arn,
        "${replace(replace(arn, ":iam:", ":sts:"), "/:role\\/(.*\\/)?/", ":assumed-role/")}/*",
      ]])
    }
  }
}

resource "aws_iam_role" "this" {
  name                 = var.role.name
  path                 = var.iam.path
  description          = "Functions of another account look at buckets of this one with this role"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.iam.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "this" {
  name   = var.role.name
  role   = aws_iam_role.this.name
  policy = var.policy
}
