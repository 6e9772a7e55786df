# Fails: Twins are in an approved region
# The DR region is not a region.

resource "aws_lambda_function" "bad" {
  function_name = "bad"
  role          = "arn:aws:iam::111122223333:role/bad"
  handler       = "s3_dr.handlers.source_bucket_check"
  s3_bucket     = "bad"
  s3_key        = "bad.zip"
  runtime       = "python3.13"
  timeout       = 120

  environment {
    variables = {
      DR_REGION     = "moon-east-2"
      SOURCE_REGION = "us-west-2"
    }
  }

  logging_config {
    log_format = "JSON"
  }
}
