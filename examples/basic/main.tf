provider "aws" {
  alias  = "source"
  region = var.source_region
}

provider "aws" {
  alias  = "dr"
  region = var.dr_region
}

module "s3_dr" {
  source = "../.."

  providers = {
    aws.source = aws.source
    aws.dr     = aws.dr
  }
}
