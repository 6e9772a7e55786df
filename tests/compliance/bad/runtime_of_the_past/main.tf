# Fails: The runtime is supported
# Lambda no longer patches Python 3.11 since 2026-06-30 (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html).

resource "aws_lambda_function" "bad" {
  function_name = "bad"
  role          = "arn:aws:iam::111122223333:role/bad"
  handler       = "s3_dr.handlers.source_bucket_check"
  s3_bucket     = "bad"
  s3_key        = "bad.zip"
  runtime       = "python3.11"
  timeout       = 120

  environment {
    variables = {
      DR_REGION     = "us-east-2"
      SOURCE_REGION = "us-west-2"
    }
  }

  logging_config {
    log_format = "JSON"
  }
}
