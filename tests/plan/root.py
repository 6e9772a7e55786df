"""The one root that the tests of plans and of compliance share.

Terraform takes a second to start a provider, twice for each region and account of a root, and a
second for each installation. So whatever has to be planned is a module of one root, planned once:

- every case of ``installations``, with its outputs;
- an installation that is given keys and a role which are made in the same root;
- ``examples/basic``, elsewhere than by default;
- what the README shows;
- what ``compliance`` adds to installations.
"""

from __future__ import annotations

import re

from compliance.plans import write_modules
from harness.plan import Plan
from harness.sts import sts_stub
from harness.terraform import Root
from harness.toolchain import REPO, Toolchain
from plan.installations import CASES, Case, root_text

README_MODULE = 'module "s3_dr"'
README_BLOCKS = re.findall(
    r"^```hcl\n(.*?)^```$",
    (REPO / "README.md").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)
# examples/basic as its user would call it who lives elsewhere.
BASIC = Case("basic", "eu-central-1", "us-east-1")
_BASIC = f"""
module "{BASIC.name}" {{
  source        = "../basic"
  source_region = "{BASIC.source}"
  dr_region     = "{BASIC.dr}"
}}
output "{BASIC.name}" {{
  value = module.{BASIC.name}
}}
"""
_README = """
module "readme" {
  source = "./readme"
}
"""
# How often something is made may not hang on an ARN that only an apply knows.
SAME_ROOT = "of_same_root"
_SAME_ROOT = f"""
resource "aws_kms_key" "source" {{
  provider = aws.us_west_2
}}

resource "aws_kms_key" "dr" {{
  provider = aws.us_east_2
}}

resource "aws_iam_policy" "boundary" {{
  provider = aws.us_west_2
  name     = "boundary"
  policy   = "{{}}"
}}

resource "aws_iam_role" "foreign" {{
  provider           = aws.us_west_2
  name               = "foreign"
  assume_role_policy = "{{}}"
}}

module "{SAME_ROOT}" {{
  source = "../.."

  foreign_role_arns = [aws_iam_role.foreign.arn]
  iam               = {{ permissions_boundary_arn = aws_iam_policy.boundary.arn }}
  kms = {{
    dr_key_arn      = aws_kms_key.dr.arn
    source_key_arns = [aws_kms_key.source.arn]
  }}
  translations = {{
    (aws_kms_key.source.arn) = aws_kms_key.dr.arn
    role                     = aws_iam_role.foreign.arn
  }}
  profiles = [
    {{ name = "a", match_tags = [{{ dr = "a" }}], kms_key_arn = aws_kms_key.dr.arn }},
    {{ name = "b", match_tags = [{{ dr = "b" }}], on_foreign_role = "use" }},
  ]

  providers = {{ aws.source = aws.us_west_2, aws.dr = aws.us_east_2 }}
}}
"""


def plan_everything(tools: Toolchain) -> Plan:
    """Plans the root."""
    text = "".join([root_text(CASES), _SAME_ROOT, _BASIC, _README])
    with sts_stub() as env, Root(text, tools=tools, env=env) as root:
        readme = root.folder / "readme"
        readme.mkdir()
        (readme / "main.tf").write_text(_readme_text(), encoding="utf-8")
        with (root.folder / "main.tf").open("a", encoding="utf-8") as main:
            main.write(write_modules(root.folder))
        root.init()
        return root.plan()


def _readme_text() -> str:
    """All blocks of the README: the first brings the providers, each brings a module."""
    numbered = [
        block.replace(README_MODULE, f'module "block_{number}"')
        for number, block in enumerate(README_BLOCKS)
    ]
    return "\n".join(numbered).replace('"./s3-dr"', '"../../.."')
