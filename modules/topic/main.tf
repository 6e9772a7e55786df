# One topic on which one role publishes, and to which one function listens. Region: the provider's.

resource "aws_sns_topic" "this" {
  name              = var.topic.name
  kms_master_key_id = var.kms_master_key_id
  tags              = var.tags
}

locals {
  # aws:PrincipalArn is the role's ARN on AWS, whatever the session; emulators give the session's.
  publisher_arns = [
    var.publisher_role_arn,
    "${replace(replace(var.publisher_role_arn, ":iam:", ":sts:"), ":role/", ":assumed-role/")}/*",
  ]
}

# The role is named by a condition, not as the principal: SNS refuses principals that do not exist yet.
data "aws_iam_policy_document" "this" {
  statement {
    sid       = "ThePublisherMayPublish"
    actions   = ["sns:Publish"]
    resources = [var.topic.arn]

    principals {
      type        = "AWS"
      identifiers = [replace(var.publisher_role_arn, "/:role\\/.*/", ":root")]
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
