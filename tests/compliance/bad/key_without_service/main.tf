# Fails: The other account uses a key through a service
# No kms:ViaService: messages can be decrypted without SNS.

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
          ArnLike      = { "aws:PrincipalArn" = "arn:aws:iam::222233334444:role/bad-source-bucket-check" }
          StringEquals = { "kms:EncryptionContext:aws:sns:topicArn" = "arn:aws:sns:us-east-2:111122223333:bad-01" }
        }
      },
    ]
  })
}
