"""Cloning: a twin has the properties of its source.

`engine` compares and writes, `properties` is the table of what there is to compare, `translators`
put each value in the twin's `terms`. The policy has two modules more: `source_policy` says what the
source's becomes, `twin_policy` keeps the twin's own statements beside it.
"""
