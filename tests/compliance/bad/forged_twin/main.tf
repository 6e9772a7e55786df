# Fails: No resource is marked as a twin
# The bucket says that it is a twin, and the functions would believe it.

resource "aws_s3_bucket" "bad" {
  bucket = "bad-dr"

  tags = {
    "s3-dr:source-bucket" = "bad"
  }
}
