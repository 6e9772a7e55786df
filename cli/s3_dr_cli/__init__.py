"""s3-dr: the operators' tool of the Terraform module of the same name.

It decides nothing itself. What is protected, blocked or to be changed, the module's own functions
say, which it invokes; what the tool adds is asking many at once, waiting, and saying it plainly.

* ``commands``: the command line, ``__main__``: its exit codes;
* ``places``: the two regions and their clients, ``module``: the installation and its functions;
* ``fleet``: how buckets stand, from dry runs of the functions, ``backfill``: existing objects;
* ``doctor``: what an installation needs to work;
* ``output`` and ``tables``: what is printed, ``text``: strings that others wrote, made harmless;
* ``threads`` and ``waiting``: doing several things at once, and one again and again.
"""

__version__ = "0.1.0"
