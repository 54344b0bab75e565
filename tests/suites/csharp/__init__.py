# tests/suites/csharp/__init__.py - runs C# sources that do no more than describe cases.
# SPDX-License-Identifier: Apache-2.0
"""tokens.py, syntax.py (expressions), program.py (statements, the class), values.py (what values can do)."""
from .program import load
from .tokens import NotUnderstood
from .values import Namespace, Record, Table

__all__ = ["load", "Namespace", "NotUnderstood", "Record", "Table"]
