# Fails: A function's failures go to a queue
# No on_failure: after two retries the event is gone.

resource "aws_lambda_function_event_invoke_config" "bad" {
  function_name          = "bad-source-bucket-check"
  maximum_retry_attempts = 2
}
