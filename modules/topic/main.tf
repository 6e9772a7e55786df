# One topic on which named roles publish, and to which one function listens. Region: the provider's.

locals {
  account = split(":", var.topic.arn)[4]
  # Publishers of another account, which need a word of the key too.
  foreign_role_arns = [for arn in var.publisher_role_arns : arn if split(":", arn)[4] != local.account]
  two_accounts      = length(local.foreign_role_arns) > 0

  # aws:PrincipalArn is the role's ARN on AWS, whatever the session; emulators give the session's, which has no path.
  session_arns = { for arn in var.publisher_role_arns : arn => [
    arn,
    "${replace(replace(arn, ":iam:", ":sts:"), "/:role\\/(.*\\/)?/", ":assumed-role/")}/*",
  ] }
  publisher_arns = flatten([for arn in var.publisher_role_arns : local.session_arns[arn]])
}

resource "aws_sns_topic" "this" {
  name              = var.topic.name
  kms_master_key_id = local.two_accounts ? aws_kms_key.this[0].arn : "alias/aws/sns"
  tags              = var.tags
}

# The key that AWS manages is for its own account only: who publishes from another one needs a key that says so.
data "aws_iam_policy_document" "key" {
  statement {
    sid       = "TheAccountDecidesWithIam"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${split(":", var.topic.arn)[1]}:iam::${local.account}:root"]
    }
  }

  statement {
    sid       = "PublishersOfAnotherAccountMayEncrypt"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = distinct([for arn in local.foreign_role_arns : replace(arn, "/:role\\/.*/", ":root")])
    }
    condition {
      test     = "ArnLike"
      variable = "aws:PrincipalArn"
      values   = flatten([for arn in local.foreign_role_arns : local.session_arns[arn]])
    }
    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = var.via_service
    }
    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:aws:sns:topicArn"
      values   = [var.topic.arn]
    }
  }
}

resource "aws_kms_key" "this" {
  count = local.two_accounts ? 1 : 0

  description             = "Encrypts the messages of ${var.topic.name}"
  deletion_window_in_days = 7
  enable_key_rotation     = true
  policy                  = data.aws_iam_policy_document.key.json
  tags                    = var.tags
}

resource "aws_kms_alias" "this" {
  count = local.two_accounts ? 1 : 0

  name          = "alias/${var.topic.name}"
  target_key_id = aws_kms_key.this[0].key_id
}

# The roles are named by a condition, not as principals: SNS refuses principals that do not exist yet.
data "aws_iam_policy_document" "this" {
  statement {
    sid       = "ThePublishersMayPublish"
    actions   = ["sns:Publish"]
    resources = [var.topic.arn]

    principals {
      type        = "AWS"
      identifiers = distinct([for arn in var.publisher_role_arns : replace(arn, "/:role\\/.*/", ":root")])
    }
    condition {
      test     = "ArnLike"
      variable = "aws:PrincipalArn"
      values   = local.publisher_arns
    }
  }

  statement {
    sid       = "NobodyElseMayPublish"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [var.topic.arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotLike"
      variable = "aws:PrincipalArn"
      values   = local.publisher_arns
    }
  }

  statement {
    sid       = "NobodyMayPublishWithoutTls"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [var.topic.arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sns_topic_policy" "this" {
  arn    = aws_sns_topic.this.arn
  policy = data.aws_iam_policy_document.this.json
}

resource "aws_lambda_permission" "this" {
  statement_id  = "TopicMayInvoke"
  action        = "lambda:InvokeFunction"
  function_name = var.function.function_name
  principal     = "sns.amazonaws.com"
  source_arn    = var.topic.arn
}

resource "aws_sns_topic_subscription" "this" {
  topic_arn      = aws_sns_topic.this.arn
  protocol       = "lambda"
  endpoint       = var.function.function_arn
  redrive_policy = jsonencode({ deadLetterTargetArn = var.failure_queue_arn })

  depends_on = [aws_lambda_permission.this]
}
