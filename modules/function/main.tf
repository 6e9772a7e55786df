# One function with its role, its log group and the queue for what it could not do. Region: the provider's.

data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "LambdaMayRunAsThisRole"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "this" {
  name                 = var.function.role_name
  path                 = var.iam.path
  description          = "Runs the function ${var.function.function_name}"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.iam.permissions_boundary_arn
  tags                 = var.settings.tags
}

data "aws_iam_policy_document" "this" {
  source_policy_documents = [var.policy]

  statement {
    sid       = "WriteItsOwnLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${var.function.log_group_arn}:*"]
  }
}

resource "aws_iam_role_policy" "this" {
  name   = var.function.function_name
  role   = aws_iam_role.this.name
  policy = data.aws_iam_policy_document.this.json
}

resource "aws_cloudwatch_log_group" "this" {
  name              = var.function.log_group_name
  retention_in_days = var.settings.log_retention_days
  tags              = var.settings.tags
}

resource "aws_lambda_function" "this" {
  function_name    = var.function.function_name
  role             = aws_iam_role.this.arn
  handler          = var.function.handler
  filename         = var.settings.package
  source_code_hash = filebase64sha256(var.settings.package)
  layers           = var.layers
  runtime          = var.settings.runtime
  architectures    = [var.settings.architecture]
  memory_size      = var.settings.memory_mb
  timeout          = var.settings.timeout_seconds
  tags             = var.settings.tags

  # -1: as many as the account has left.
  reserved_concurrent_executions = coalesce(var.settings.reserved_concurrency, -1)

  environment {
    variables = var.settings.environment
  }

  logging_config {
    log_format            = "JSON"
    log_group             = aws_cloudwatch_log_group.this.name
    application_log_level = var.settings.log_level
    system_log_level      = "WARN"
  }

  lifecycle {
    precondition {
      condition     = alltrue([for arn in var.layers : split(":", arn)[3] == var.function.region])
      error_message = "${var.function.function_name} runs in ${var.function.region}, and Lambda takes layers of the same region only: publish the layer there and give its ARN."
    }
  }

  # The first event may come at once. The log group comes first by its name above: one that Lambda makes itself
  # would never expire.
  depends_on = [aws_iam_role_policy.this]
}

# EventBridge and SNS hand over and forget: what fails here is repeated by Lambda, then kept.
resource "aws_lambda_function_event_invoke_config" "this" {
  function_name                = aws_lambda_function.this.function_name
  maximum_event_age_in_seconds = 21600
  maximum_retry_attempts       = 2

  destination_config {
    on_failure {
      destination = var.failure_queue_arn
    }
  }
}
