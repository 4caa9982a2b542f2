"""Reads what `rota … -o schema` prints, with Debian's python3-jsonschema.

schemas.py fields DIR < SCHEMA      writes DIR/NAME.VERSION for it and each schema in it: a line a field
schemas.py check SCHEMA < RECORDS   whether each line is such a record; says which is not, and why
schemas.py refuse SCHEMA < RECORD   spoils each field of the record in turn: none may pass
"""
import copy
import json
import pathlib
import sys

import jsonschema


def read(text):
    schema = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    if schema["$schema"] != "https://json-schema.org/draft/2020-12/schema":
        sys.exit("which draft?")
    return schema


def kind(field):
    """A field's type in one line, and the schema of records in it."""
    inner = field["items"] if "$id" in field.get("items", {}) else field if "$id" in field else None
    types = field["type"] if isinstance(field["type"], list) else [field["type"]]
    words = ["|".join(types)]
    if inner:
        words.append(inner["$id"])
    elif "items" in field:
        words.append("of " + field["items"]["type"])
    if "format" in field:
        words.append(field["format"])
    if "enum" in field:
        words += [word for word in field["enum"] if word is not None]
    return " ".join(words), inner


def fields(schema, directory):
    _, name, version = schema["$id"].split(":")
    if set(schema["required"]) != set(schema["properties"]) or not schema["additionalProperties"]:
        sys.exit(f"{name}: fields only ever grow")
    lines = []
    for field, of in schema["properties"].items():
        text, inner = kind(of)
        lines.append(f"{field} {text}\n")
        if inner:
            fields(inner, directory)
    pathlib.Path(directory, f"{name}.{version}").write_text("".join(lines))


def check(schema):
    validator = jsonschema.Draft202012Validator(schema)
    number = 0
    for number, line in enumerate(sys.stdin, 1):
        for error in validator.iter_errors(json.loads(line)):
            sys.exit(f"line {number}: {'.'.join(map(str, error.path))}: {error.message[:200]}")
    print(number)


def refuse(schema):
    validator = jsonschema.Draft202012Validator(schema)
    record = json.loads(sys.stdin.read())
    validator.validate({**record, "one_more": 1})
    for name, of in schema["properties"].items():
        missing = copy.deepcopy(record)
        del missing[name]
        spoilt = [missing, {**record, name: {"no": "such"} if of["type"] != "object" else 1}]
        if "null" not in of["type"]:
            spoilt.append({**record, name: None})
        if "enum" in of:
            spoilt.append({**record, name: "nonsense"})
        if "pattern" in of:
            spoilt.append({**record, name: "2026-12-01 10:00"})
        for wrong in spoilt:
            if validator.is_valid(wrong):
                sys.exit(f"{name}: {wrong.get(name, 'nothing')} passes")


if sys.argv[1] == "fields":
    fields(read(sys.stdin.read()), sys.argv[2])
else:
    {"check": check, "refuse": refuse}[sys.argv[1]](read(pathlib.Path(sys.argv[2]).read_text()))
