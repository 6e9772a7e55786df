# The role with which S3 copies objects.

data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "S3MayReplicateAsThisRole"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }
    # IfExists: whether S3 says for whom it replicates is not documented, and a plain match would lock it out.
    condition {
      test     = "StringEqualsIfExists"
      variable = "aws:SourceAccount"
      values   = [var.source_account_id]
    }
  }
}

resource "aws_iam_role" "this" {
  name               = var.role.name
  description        = "S3 copies objects of protected buckets into their twins with this role"
  assume_role_policy = data.aws_iam_policy_document.trust.json
  tags               = var.tags
}

resource "aws_iam_role_policy" "this" {
  name   = var.role.name
  role   = aws_iam_role.this.name
  policy = var.policy
}
