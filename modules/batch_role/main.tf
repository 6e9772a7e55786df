# The role with which S3 Batch Operations has S3 replicate what was there before a rule was. The copying is done with the
# replication role.

data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "BatchOperationsMayRunAsThisRole"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["batchoperations.s3.amazonaws.com"]
    }
    # IfExists: whether Batch Operations says for whom it works is not documented, and a plain match would lock it out.
    condition {
      test     = "StringEqualsIfExists"
      variable = "aws:SourceAccount"
      values   = [var.source_account_id]
    }
  }
}

resource "aws_iam_role" "this" {
  name               = var.role.name
  description        = "S3 Batch Operations starts the replication of objects that were there before with this role"
  assume_role_policy = data.aws_iam_policy_document.trust.json
  tags               = var.tags
}

resource "aws_iam_role_policy" "this" {
  name   = var.role.name
  role   = aws_iam_role.this.name
  policy = var.policy
}
