"""Answers by simple rules, and answers spoilt: what tests/llm/server says.

An answer follows the schema of the request, and depends on nothing but the request: the first value
of an enum, the first words of the question where a text is wanted, as few elements as allowed. It is
no judge of anything; it stands for a model that keeps to the form."""
import hashlib
import json
import re

SCHEMA_HEAD = "It follows this JSON schema:\n"


def schema_in(system):
    """The schema that a question repeats in words, or one that allows any object."""
    at = system.rfind(SCHEMA_HEAD)
    return json.loads(system[at + len(SCHEMA_HEAD):]) if at >= 0 else {"type": "object"}


def words_of(messages):
    text = " ".join(m["content"] for m in messages if m["role"] == "user")
    return re.findall(r"[^\W\d_]{3,}", text)


def answer(schema, messages):
    return value(schema, schema, words_of(messages) or ["nothing"])


def value(schema, root, words):
    if "$ref" in schema:
        to = root
        for step in schema["$ref"].lstrip("#/").split("/"):
            to = to[step]
        return value(to, root, words)
    for one_of in ("anyOf", "oneOf"):
        if one_of in schema:
            return value(schema[one_of][0], root, words)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {k: value(v, root, words) for k, v in schema.get("properties", {}).items()}
    if kind == "array":
        return [value(schema.get("items", {"type": "string"}), root, words)
                for _ in range(max(schema.get("minItems", 0), 1))][:schema.get("maxItems", 1 << 30)]
    if kind == "string":
        text = " ".join(words[:6])[:schema.get("maxLength", 80)]
        return text.ljust(schema.get("minLength", 0), "x")
    if kind == "boolean":
        # As often one as the other, and always the same for the same question.
        return hashlib.sha256(" ".join(words).encode()).digest()[0] % 2 == 0
    if kind in ("integer", "number"):
        return schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
    return None


# ---- spoilt answers ----

HOSTILE = "ev\u0000il \u001b[31m\u202egnp.exe\u200b <script>alert(1)</script> http://evil.example/?q= "


def each(x, change):
    """x with all that it holds changed, from the inside out; change(value) gives the new one."""
    if isinstance(x, dict):
        x = {k: each(v, change) for k, v in x.items()}
    elif isinstance(x, list):
        x = [each(v, change) for v in x]
    return change(x)


def ids_of(schema):
    found = []

    def look(x):
        if isinstance(x, dict):
            found.extend(e for e in x.get("enum", []) if isinstance(e, (str, int)))
        return x
    each(schema, look)
    return set(map(str, found))


def mangle(text, schema, how):
    """The JSON text, spoilt: wrong_schema, unknown_ids, duplicate_ids, control, long, fenced, chatty."""
    x, ids = json.loads(text), ids_of(schema)

    def is_id(v):
        return not isinstance(v, bool) and isinstance(v, (str, int)) and str(v) in ids
    if how == "wrong_schema":
        x = each(x, lambda v: {k + "_": w for k, w in v.items()} if isinstance(v, dict) else v)
    elif how == "unknown_ids":
        x = each(x, lambda v: ("E999999999" if isinstance(v, str) else 999999999) if is_id(v) else v)
    elif how == "duplicate_ids":
        x = each(x, lambda v: v * 3 if isinstance(v, list) else v)
    elif how == "control":
        x = each(x, lambda v: HOSTILE + v if isinstance(v, str) and not is_id(v) else v)
    elif how == "long":
        x = each(x, lambda v: v * 1000 if isinstance(v, str) and not is_id(v) else v)
    elif how == "fenced":
        return "Here is what you asked for:\n```json\n" + text + "\n```\nAnything else?"
    elif how == "chatty":
        return "Let me think. " + text + " That is my answer."
    else:
        raise KeyError(how)
    return json.dumps(x)
