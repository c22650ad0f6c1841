"""Bicep as far as `infra/` uses it, read and evaluated without its compiler, which no registry of ours has.

``reading`` parses a file (tree-sitter), ``functions`` are the language's, ``deploying`` evaluates a
template and hands each resource to somebody who makes it, ``types`` compares a resource with the extract of
Azure's types in ``types.json``, ``extract`` renews that. What is not understood is an error that names file
and line, never a guess.
"""
