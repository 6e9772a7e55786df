# Fails: Topic policies refuse plain HTTP
# Whoever may publish may do so over plain HTTP.

resource "aws_sns_topic_policy" "bad" {
  arn = "arn:aws:sns:us-west-2:111122223333:bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::111122223333:root" }
      Action    = "sns:Publish"
      Resource  = "arn:aws:sns:us-west-2:111122223333:bad"
    }]
  })
}
