"""From the YAML parser's own words to a sentence that says what to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import yaml

SENTENCES = (
    ("cannot start any token", "this character cannot begin a value; put the value in quotes"),
    ("mapping values are not allowed", "a ':' stands where none can be; quote the text, or check the indentation"),
    ("did not find expected key", "a key was expected here: check the indentation, and that quotes are closed"),
    ("did not find expected '-' indicator", "this line is in a list but has no '-': check the indentation"),
    ("did not find expected ',' or ']'", "a list was not closed: a ',' or a ']' was expected here"),
    ("did not find expected ',' or '}'", "a mapping was not closed: a ',' or a '}' was expected here"),
    ("did not find expected node content", "a value was expected here, and none that can be read was found"),
    ("could not find expected ':'", "a ':' was expected after the key"),
    ("did not find expected <document start>", "text follows the end of the document; check the indentation"),
    ("found unexpected end of stream", "the file ends inside a quoted text; close the quote"),
    ("found unexpected document indicator", "a '---' or '...' stands inside a quoted text; close the quote above it"),
    ("found unknown escape character", "an unknown \\ escape; use 'single quotes', in which a \"\\\" means itself"),
    ("did not find expected alphabetic or numeric", "a '*' or '&' needs a name; quote the text if it begins with one"),
    ("block sequence entries are not allowed", "a '-' cannot stand here: lists begin on a line of their own"),
    ("found undefined tag handle", "tags are refused; quote the text if it begins with a '!'"),
    ("wrongly indented", "this line is indented less than the lines that it continues"),
    ("did not find expected digit", "this escape or version number lacks a digit"),
)


def tell_syntax_error(error: yaml.MarkedYAMLError, line: str) -> str:
    """Return what is wrong with the YAML, for people; `line` is where the parser gave up."""
    problem = str(error.problem or error.context or "")
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent:
        return "a tab indents this line; YAML is indented with spaces"
    for words, sentence in SENTENCES:
        if words in problem:
            return sentence
    return f"this is not valid YAML: {problem.rstrip('.')}"
