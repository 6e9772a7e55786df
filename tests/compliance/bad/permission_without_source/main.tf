# Fails: A function is started by one rule or topic
# No source_arn: a rule of any account can start the function.

resource "aws_lambda_permission" "bad" {
  action        = "lambda:InvokeFunction"
  function_name = "bad-source-bucket-check"
  principal     = "events.amazonaws.com"
}
