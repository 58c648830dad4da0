"""The commands that keep runs in order: checked, labelled, tidied up, handed to other tools."""

from __future__ import annotations
