# What a consumer's root has besides the module, and the features must not mind. It is of the kinds that the features
# look at, and nothing about it follows the module's ways.

# A topic in the clear, with a policy that is known only after the apply.

resource "aws_sns_topic" "news" {
  name = "news"
}

data "aws_iam_policy_document" "news" {
  statement {
    actions   = ["sns:*"]
    resources = [aws_sns_topic.news.arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
  }
}

resource "aws_sns_topic_policy" "news" {
  arn    = aws_sns_topic.news.arn
  policy = data.aws_iam_policy_document.news.json
}

# A topic encrypted with a key that does not exist yet, and a queue in the clear.

resource "aws_kms_key" "orders" {
  description = "Orders"
}

resource "aws_sns_topic" "orders" {
  name              = "orders"
  kms_master_key_id = aws_kms_key.orders.arn
}

resource "aws_sqs_queue" "orders" {
  name                    = "orders"
  sqs_managed_sse_enabled = false
}

# A function without JSON logs, failure destination, retries or a source for its permission.

resource "aws_iam_role" "orders" {
  name = "orders"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "orders" {
  name = "orders"
  role = aws_iam_role.orders.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["s3:*", "iam:PassRole"]
      Resource = "*"
    }]
  })
}

resource "aws_lambda_function" "orders" {
  function_name = "orders"
  role          = aws_iam_role.orders.arn
  handler       = "orders.handler"
  runtime       = "nodejs18.x"
  s3_bucket     = "orders"
  s3_key        = "orders.zip"
}

resource "aws_lambda_function_event_invoke_config" "orders" {
  function_name          = aws_lambda_function.orders.function_name
  maximum_retry_attempts = 0
}

resource "aws_lambda_permission" "orders" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.orders.function_name
  principal     = "events.amazonaws.com"
}

resource "aws_sns_topic_subscription" "orders" {
  topic_arn = aws_sns_topic.orders.arn
  protocol  = "lambda"
  endpoint  = aws_lambda_function.orders.arn
}

resource "aws_cloudwatch_event_rule" "orders" {
  name                = "orders"
  schedule_expression = "rate(1 day)"
}

resource "aws_cloudwatch_event_target" "orders" {
  rule = aws_cloudwatch_event_rule.orders.name
  arn  = aws_lambda_function.orders.arn
}

resource "aws_cloudwatch_log_group" "orders" {
  name              = "/aws/lambda/orders"
  retention_in_days = 1
}

# A bucket whose objects have ACLs and stay, with a policy for everybody of the account.

resource "aws_s3_bucket" "orders" {
  bucket = "orders"
  tags   = { dr = "true" }
}

resource "aws_s3_bucket_public_access_block" "orders" {
  bucket = aws_s3_bucket.orders.bucket
}

resource "aws_s3_bucket_ownership_controls" "orders" {
  bucket = aws_s3_bucket.orders.bucket

  rule {
    object_ownership = "ObjectWriter"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "orders" {
  bucket = aws_s3_bucket.orders.bucket

  rule {
    id     = "cooler"
    status = "Enabled"

    filter {}
    transition {
      days          = 30
      storage_class = "GLACIER"
    }
  }
}

resource "aws_s3_bucket_policy" "orders" {
  bucket = aws_s3_bucket.orders.bucket

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::111122223333:root" }
      Action    = "s3:*"
      Resource  = "arn:aws:s3:::orders/*"
    }]
  })
}

# A trail of objects, and an alarm that waits for a thousand.

resource "aws_cloudtrail" "orders" {
  name           = "orders"
  s3_bucket_name = aws_s3_bucket.orders.bucket

  event_selector {
    include_management_events = false

    data_resource {
      type   = "AWS::S3::Object"
      values = ["arn:aws:s3:::orders/"]
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "orders" {
  alarm_name          = "orders"
  namespace           = "orders"
  metric_name         = "Orders"
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 1000
}

resource "aws_cloudwatch_log_metric_filter" "orders" {
  name           = "orders"
  log_group_name = aws_cloudwatch_log_group.orders.name
  pattern        = ""

  metric_transformation {
    namespace = "orders"
    name      = "Orders"
    value     = "1"
  }
}
