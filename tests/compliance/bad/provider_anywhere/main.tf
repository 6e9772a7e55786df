# Fails: Providers are in approved regions
# The provider's region is not a region.

provider "aws" {
  alias                  = "bad"
  region                 = "moon-west-2"
  skip_region_validation = true
}
