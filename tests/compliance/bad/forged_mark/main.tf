# Fails: No resource is marked as a twin
# The bucket says that the functions manage it.

resource "aws_s3_bucket" "bad" {
  bucket = "bad-dr"

  tags = {
    "s3-dr:managed-by" = "bad"
  }
}
