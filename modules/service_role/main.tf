# A role that a service of AWS takes to work on buckets of the source account.

data "aws_iam_policy_document" "trust" {
  statement {
    sid     = var.service.sid
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = [var.service.principal]
    }
    # IfExists: whether S3 and Batch Operations say for whom they work is not documented, and a plain match would lock
    # them out.
    condition {
      test     = "StringEqualsIfExists"
      variable = "aws:SourceAccount"
      values   = [var.source_account_id]
    }
  }
}

resource "aws_iam_role" "this" {
  name                 = var.role.name
  path                 = var.iam.path
  description          = var.description
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.iam.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "this" {
  name   = var.role.name
  role   = aws_iam_role.this.name
  policy = var.policy
}
