# Fails: A job has a lower priority than others have
# With a priority like everybody's, and six jobs of ours, others wait.

resource "aws_iam_role_policy" "bad" {
  name = "bad-enable-replication"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "s3:CreateJob"
      Resource = "*"
      Condition = {
        NumericLessThan = { "s3:RequestJobPriority" = "11" }
        StringEquals    = { "aws:RequestedRegion" = "us-west-2" }
      }
    }]
  })
}
