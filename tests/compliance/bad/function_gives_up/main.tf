# Fails: A function tries again
# No retry: one throttled call, and the event needs a person.

resource "aws_lambda_function_event_invoke_config" "bad" {
  function_name          = "bad-source-bucket-check"
  maximum_retry_attempts = 0

  destination_config {
    on_failure {
      destination = "arn:aws:sqs:us-west-2:111122223333:bad-failures"
    }
  }
}
