# The key that encrypts the replicas of a region. Region: the provider's.

data "aws_iam_policy_document" "this" {
  # This is what leaves it to IAM who may use the key; without it only the roles named here could.
  statement {
    sid       = "TheAccountDecidesWithIam"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${var.key.partition}:iam::${var.key.account_id}:root"]
    }
  }

  # IAM of another account is not enough. The roles are named by a condition, not as principals: KMS refuses
  # principals that do not exist yet.
  dynamic "statement" {
    for_each = length(var.foreign_replication_role_arns) > 0 ? [var.foreign_replication_role_arns] : []

    content {
      sid       = "ReplicationFromTheOtherAccount"
      actions   = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
      resources = ["*"]

      principals {
        type        = "AWS"
        identifiers = distinct([for arn in statement.value : replace(arn, "/:role\\/.*/", ":root")])
      }
      # aws:PrincipalArn is the role's ARN on AWS, whatever the session; emulators give the session's, which has no path.
      condition {
        test     = "ArnLike"
        variable = "aws:PrincipalArn"
        values = flatten([for arn in statement.value : [
          arn,
          "${replace(replace(arn, ":iam:", ":sts:"), "/:role\\/(.*\\/)?/", ":assumed-role/")}/*",
        ]])
      }
      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = var.key.via_service
      }
      # With an S3 Bucket Key the context is the bucket's ARN, without one the object's.
      condition {
        test     = "StringLike"
        variable = "kms:EncryptionContext:aws:s3:arn"
        values   = [var.twin_buckets, "${var.twin_buckets}/*"]
      }
    }
  }

  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/configure-inventory.html#configure-inventory-kms-key-policy
  dynamic "statement" {
    for_each = var.encrypts_reports ? [var.twin_buckets] : []

    content {
      sid       = "ReportsAboutTwins"
      actions   = ["kms:GenerateDataKey"]
      resources = ["*"]

      principals {
        type        = "Service"
        identifiers = ["s3.amazonaws.com"]
      }
      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [var.key.account_id]
      }
      condition {
        test     = "ArnLike"
        variable = "aws:SourceArn"
        values   = [statement.value]
      }
    }
  }
}

resource "aws_kms_key" "this" {
  description             = "Encrypts the replicas in the twins of ${var.key.name}"
  deletion_window_in_days = 30
  enable_key_rotation     = true
  policy                  = data.aws_iam_policy_document.this.json
  tags                    = var.tags

  # Without the key every replica that it encrypted is lost. Whoever means it takes the key out of the state, and
  # has it deleted by hand once the replicas are not needed any more.
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "this" {
  name          = var.key.alias
  target_key_id = aws_kms_key.this.key_id
}
