# Fails: The other account uses a key as a named role
# Every role of the other account may use the key.

resource "aws_kms_key" "topic_01" {
  deletion_window_in_days = 30
  enable_key_rotation     = true

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::111122223333:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::222233334444:root" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = "*"
        Condition = {
          ArnLike = { "aws:PrincipalArn" = "arn:aws:iam::222233334444:role/*" }
          StringEquals = {
            "kms:EncryptionContext:aws:sns:topicArn" = "arn:aws:sns:us-east-2:111122223333:bad-01"
            "kms:ViaService"                         = "sns.us-east-2.amazonaws.com"
          }
        }
      },
    ]
  })
}
