# One queue for what could not be delivered or done in its region. Region: the provider's.

resource "aws_sqs_queue" "this" {
  name                      = var.queue.name
  message_retention_seconds = 14 * 24 * 60 * 60
  sqs_managed_sse_enabled   = true
  # Not a resource of its own: the provider waits half a minute for each change of a queue.
  policy = data.aws_iam_policy_document.this.json
  tags   = var.tags
}

# The functions send with their own roles and need no word here.
data "aws_iam_policy_document" "this" {
  dynamic "statement" {
    for_each = length(var.rule_arns) > 0 ? [var.rule_arns] : []

    content {
      sid       = "TheRulesMaySend"
      actions   = ["sqs:SendMessage"]
      resources = [var.queue.arn]

      principals {
        type        = "Service"
        identifiers = ["events.amazonaws.com"]
      }
      condition {
        test     = "ArnEquals"
        variable = "aws:SourceArn"
        values   = statement.value
      }
    }
  }

  statement {
    sid       = "TheTopicMaySend"
    actions   = ["sqs:SendMessage"]
    resources = [var.queue.arn]

    principals {
      type        = "Service"
      identifiers = ["sns.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [var.topic_arn]
    }
  }

  statement {
    sid       = "NobodyMaySendOrReceiveWithoutTls"
    effect    = "Deny"
    actions   = ["sqs:ReceiveMessage", "sqs:SendMessage"]
    resources = [var.queue.arn]

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
