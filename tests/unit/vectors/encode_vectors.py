#!/usr/bin/python3
"""Makes encode_vectors.h: known answers for crypto/encode, from docs/encoding.md alone.

Nothing here is kith's code: hashes come from hmac and hashlib, numbers, dates, letter case and
patterns from Python itself. The result is the same at each run:

    /usr/bin/python3 tests/unit/vectors/encode_vectors.py          writes the file
    /usr/bin/python3 tests/unit/vectors/encode_vectors.py --check  1 if it differs
"""
import base64
import datetime
import hashlib
import hmac
import json
import os
import re
import sys
import warnings

warnings.simplefilter("ignore", FutureWarning)  # a bracket inside a class
HERE = os.path.dirname(os.path.abspath(__file__))


def hkdf(hash_name, secret, salt, info, length):
    size = hashlib.new(hash_name).digest_size
    prk = hmac.new(salt or bytes(size), secret, hash_name).digest()
    out, block, i = b"", b"", 1
    while len(out) < length:
        block = hmac.new(prk, block + info + bytes([i]), hash_name).digest()
        out, i = out + block, i + 1
    return out[:length]


# ---- kith's own encoding

def bloom(bits, fields, secret, record, of_filter=None):
    """fields: (name, q, bits_per_token); record: lists of values. Filter and mask. of_filter: the
    filter's name, where a record has several."""
    label = b"kith field v1\0" if of_filter is None else \
        b"kith filter field v1\0" + of_filter.encode() + b"\0"
    filter_bits, mask = bytearray(bits // 8), 0
    for f, ((name, q, per_token), values) in enumerate(zip(fields, record)):
        key = hkdf("sha256", secret, b"", label + name.encode(), 32)
        for value in filter(None, values):
            mask |= 1 << f
            padded = " " * (q - 1) + value + " " * (q - 1) if q else value
            tokens = [padded[i:i + q] for i in range(len(padded) - q + 1)] if q else [value]
            for token in tokens:
                stream = b"".join(hmac.new(key, token.encode() + bytes([i]), "sha256").digest()
                                  for i in range(4))
                for i in range(per_token):
                    p = int.from_bytes(stream[2 * i:2 * i + 2], "big") % bits
                    filter_bits[p // 8] |= 128 >> p % 8
    return bytes(filter_bits), mask


BLOOM_FIELDS = [("given_name", 2, 10), ("surname", 3, 17), ("date_of_birth", 0, 33),
                ("sex", 1, 64), ("code", 4, 1)]
# Name, bits, and which fields.
BLOOM_FILTERS = [("stable", 1024, {0, 2, 3}), ("volatile", 256, {1}), ("x", 64, {4})]
BLOOM_RECORDS = [
    [["ANNA"], ["EXAMPLE"], ["1985", "04", "20"], ["F"], ["QX11AB"]],
    [["JOSÉ", "MARIA"], ["ŁUKASZ-Ó"], [], ["M"], [""]],
    [[], [], [], [], []],
    [["A"], ["", "B"], ["19850420"], [], ["🙂é"]],
    [["", ""], ["OF MORE THAN TWENTY BYTES ÉÉ"], ["A WHOLE VALUE OF MORE THAN 21"], [], []],
]

# ---- clkhash

DOUBLE = {"type": "doubleHash"}
BLAKE = {"type": "blakeHash"}


def value_format(feature, value):
    missing = feature["hashing"].get("missingValue", {})
    if missing.get("sentinel") == value:
        return missing.get("replaceWith", value)
    form = feature["format"]
    kind = form["type"]
    if kind == "integer":
        number = int(value)
        if number < form.get("minimum", number) or number > form.get("maximum", number):
            raise ValueError
        return str(number)
    if kind == "date":
        date = datetime.datetime.strptime(value, form["format"])
        return f"{date.year}{date.month:02}{date.day:02}"
    if kind == "enum":
        if value not in form["values"]:
            raise ValueError
        return value
    value.encode("ascii" if form.get("encoding") == "ascii" else "utf-8")
    if "pattern" in form:
        if not re.fullmatch(form["pattern"], value):
            raise ValueError
        return value
    changed = {"upper": str.upper, "lower": str.lower}.get(form.get("case"), str)(value)
    if changed != value or not form.get("minLength", 0) <= len(value) <= form.get("maxLength", 1e9):
        raise ValueError
    return value


def tokens_of(comparison, value):
    if not value:
        return []
    if comparison["type"] == "exact":
        return [value]
    if comparison["type"] == "ngram":
        n = comparison["n"]
        padded = " " * (n - 1) + value + " " * (n - 1)
        grams = [padded[i:i + n] for i in range(len(padded) - n + 1)]
        return [f"{i} {g}" for i, g in enumerate(grams, 1)] if comparison.get("positional") \
            else grams
    precision, resolution = comparison.get("fractional_precision", 0), comparison["resolution"]
    step = round(comparison["thresholdDistance"] * 10 ** precision)
    try:
        number = int(value) * 10 ** precision
    except ValueError:
        number = round(float(value) * 10 ** precision) if precision else int(float(value))
    number *= 2 * resolution
    rest = number % step
    number += -rest if 2 * rest < step else step - rest
    return [str(number + i * step) for i in range(-resolution, resolution + 1)]


def token_bits(hash_, keys, token, k, length):
    if hash_["type"] == "blakeHash":
        for i in range(k):
            block = hashlib.blake2b(token, key=keys[0], salt=str(i // 32).encode()).digest()
            at = 2 * (i % 32)
            yield int.from_bytes(block[at:at + 2], "little") % length
        return
    a = int.from_bytes(hmac.new(keys[0], token, "sha1").digest(), "big") % length
    b = int.from_bytes(hmac.new(keys[1], token, "md5").digest(), "big") % length
    i = 0
    while b == 0 and hash_.get("prevent_singularity"):
        more = hmac.new(keys[1], token + chr(i).encode(), "md5").digest()
        b, i = int.from_bytes(more, "big") % length, i + 1
    for i in range(k):
        yield (a + i * b) % length


def clk(schema, secret, row):
    config, features = schema["clkConfig"], schema["features"]
    kdf, folds = config["kdf"], config.get("xor_folds", 0)
    size, length = kdf.get("keySize", 64), config["l"] << folds
    keys = hkdf(kdf.get("hash", "SHA256").lower(), secret, base64.b64decode(kdf.get("salt", "")),
                base64.b64decode(kdf.get("info", "")), 2 * size * len(features))
    bits = [0] * length
    for f, (feature, value) in enumerate(zip(features, row)):
        if feature.get("ignored"):
            continue
        hashing = feature["hashing"]
        tokens = tokens_of(hashing["comparison"], value_format(feature, value))
        pair = [keys[(2 * f + i) * size:(2 * f + i + 1) * size] for i in (0, 1)]
        encoding = feature["format"].get("encoding", "utf-8")
        for t, token in enumerate(tokens):
            strategy = hashing["strategy"]
            k = strategy.get("bitsPerToken")
            if k is None:
                k = strategy["bitsPerFeature"] // len(tokens)
                k += t < strategy["bitsPerFeature"] % len(tokens)
            for bit in token_bits(hashing.get("hash", BLAKE), pair, token.encode(encoding), k,
                                  length):
                bits[bit] = 1
    for _ in range(folds):
        half = len(bits) // 2
        bits = [a ^ b for a, b in zip(bits[:half], bits[half:])]
    bits += [0] * (-len(bits) % 8)
    return bytes(int("".join(map(str, bits[i:i + 8])), 2) for i in range(0, len(bits), 8))


def feature(name, form, comparison, strategy, hash_=None, **missing):
    hashing = {"comparison": comparison, "strategy": strategy}
    if hash_:
        hashing["hash"] = hash_
    if missing:
        hashing["missingValue"] = missing
    return {"identifier": name, "format": form, "hashing": hashing}


def schema_of(l, features, folds=None, **kdf):
    config = {"l": l, "kdf": {"type": "HKDF", **kdf}}
    if folds is not None:
        config["xor_folds"] = folds
    return {"version": 3, "clkConfig": config, "features": features}


def ngram(n, positional=False):
    return {"type": "ngram", "n": n, "positional": positional}


def numeric(distance, resolution, **more):
    return {"type": "numeric", "thresholdDistance": distance, "resolution": resolution, **more}


TEXT = {"type": "string"}
IGNORED = {"identifier": "x", "ignored": True}


def one(form, comparison=None, hash_=DOUBLE, l=256, strategy=None, **missing):
    return schema_of(l, [feature("a", form, comparison or {"type": "exact"},
                                 strategy or {"bitsPerToken": 20}, hash_, **missing)])


CASES = [
    ("typical", schema_of(1024, [
        IGNORED,
        feature("given", {**TEXT, "maxLength": 20}, ngram(2), {"bitsPerFeature": 200}, BLAKE,
                sentinel=""),
        feature("family", TEXT, ngram(3, True), {"bitsPerToken": 9}),
        feature("born", {"type": "date", "format": "%d.%m.%Y"}, ngram(1, True),
                {"bitsPerFeature": 100}),
        feature("sex", {"type": "enum", "values": ["f", "m"]}, {"type": "exact"},
                {"bitsPerToken": 70})], salt="a2l0\naA==\n", info=" dmVjdG9ycw =="),
     [["1", "Anna", "Example", "20.04.1985", "f"], ["2", "", "Østergård 🙂", "1.2.0987", "m"],
      ["", "Åsa", "", "29.02.2024", "m"], ["4", "Anna", "Example", "29.02.2023", "f"],
      ["5", "Anna", "Example", "20.04.1985", "F"]]),
    ("double, odd length, folds", schema_of(51, [
        feature("a", {**TEXT, "encoding": "utf-16"}, ngram(2), {"bitsPerToken": 3},
                {**DOUBLE, "prevent_singularity": True}),
        feature("b", {**TEXT, "encoding": "utf-32"}, ngram(1), {"bitsPerFeature": 7}, DOUBLE)],
        folds=3, hash="SHA512", keySize=100),
     [["Ωmega 🙂", "ab"], ["", "x"], ["abcdefghijklmnopqrstuvwxyz", "0123456789"]]),
    ("singularities", one(TEXT, ngram(1, True), {**DOUBLE, "prevent_singularity": True}, l=5,
                          strategy={"bitsPerToken": 2}), [["a"], ["b"], ["c"], ["d"], ["e"]]),
    ("folds of blake", schema_of(64, [feature("a", TEXT, ngram(2), {"bitsPerToken": 40})],
                                 folds=2, keySize=1), [["Example"], ["E"]]),
    ("upper", one({**TEXT, "case": "upper"}),
     [["ABC"], ["ABc"], ["ß"], ["É-1"], ["ﬁ"], ["ᾈ"], ["ŉ"], ["Ǆ"], ["ǅ"], [""]]),
    ("lower", one({**TEXT, "case": "lower"}), [["abc"], ["Abc"], ["İ"], ["ß"], ["ǅ"], ["ǆ"]]),
    ("length", one({**TEXT, "minLength": 2, "maxLength": 3}),
     [["é"], ["éé"], ["🙂🙂🙂"], ["abcd"]]),
    ("ascii", one({**TEXT, "encoding": "ascii"}), [["abc"], ["é"], ["~"]]),
    ("pattern", one({**TEXT, "pattern": r"[A-Z]{1,2}\d[\dA-Z]?|x\s*y|(?P<q>['\"])z(?P=q)|[[:]+"}),
     [["AB1"], ["AB12"], ["ABC1"], ["x \t y"], ["xy"], ["xyz"], ["'z'"], ["'z\""], ["[:"], ["A٣"],
      ["AB1 "], ["x\x1cy"], ["x\u180ey"], ["x\u2003\xa0y"], [""]]),
    ("pattern without a lower bound", one({**TEXT, "pattern": r"a{,2}b\Z"}),
     [["b"], ["aab"], ["aaab"], ["a{,2}b"]]),
    ("pattern with flags", one({**TEXT, "pattern": r"(?i)nhs\u002d[^\W\d]+"}),
     [["NHS-abc"], ["nhs-é"], ["nhs-1"]]),
    ("integer", one({"type": "integer", "minimum": -5, "maximum": 10 ** 18}),
     [["13"], ["+13"], ["\u00a0013 "], ["1_3"], ["1__3"], ["_13"], ["13_"], ["-5"], ["-6"], ["-0"],
      ["１３"], ["1000000000000000000"], ["1000000000000000001"], ["9" * 40], ["+-1"], ["0x1"],
      ["1.0"], [""], ["-"], ["५"]]),
    ("two-digit years", one({"type": "date", "format": "%y/%b/%d %H:%M:%S%%"}),
     [["69/jan/1 1:2:3%"], ["68/DEC/31  23:59:59%"], ["00/Feb/29 00:00:00%"],
      ["01/Feb/29 00:00:00%"], ["01/Feb/28 24:00:00%"], ["01/Feb/28 00:00:61%"],
      ["01/Fev/28 00:00:00%"]]),
    ("days of the year", one({"type": "date", "format": "%A %j %Y"}),
     [["Monday 60 2023"], ["friday 060 2024"], ["Sunday 366 2023"], ["Sunday 367 2023"],
      ["Sunday 0 2023"], ["Mon 1 2023"]]),
    ("adjacent digits", one({"type": "date", "format": "%Y%m%d"}),
     [["19850420"], ["1985420"], ["1985111"], ["198511"], ["19851 1"], ["00000101"],
      ["１９850420"], ["198504201"]]),
    ("month only", one({"type": "date", "format": "(%B) %Y."}), [["(May) 1999."], ["(may)1999."]]),
    ("numeric", one(TEXT, numeric(5, 2)),
     [["1"], ["1.9"], ["-1.9"], ["1e3"], [" 7 "], ["1_0"], ["0x10"], ["nan"], ["inf"], ["-inf"],
      ["abc"], [""], ["12345678901234567890123"], ["1e400"], ["1e300"], [".5"], ["5."], ["."],
      ["1e"], ["1e+2"], ["-12"], ["-13"], ["1_0.5_0"], ["1._5"], ["٣.٥"]]),
    ("numeric, in the middle", one(TEXT, numeric(4, 1)), [["1"], ["-1"], ["3"], ["2"]]),
    ("numeric, fractions", one(TEXT, numeric(0.25, 3, fractional_precision=1)),
     [["1"], ["1.25"], ["0.35"], ["-1.25"], ["2.675"], ["1e-9"], ["-0.0"], ["123456789.05"]]),
    ("numeric, whole distance", one(TEXT, numeric(3, 1, fractional_precision=25)),
     [["7"], ["0.1"], ["123456789012345678901234567890"], ["-4.75"]]),
    ("numeric of blake", one({"type": "integer"}, numeric(2.5, 4), BLAKE,
                             strategy={"bitsPerFeature": 50}, sentinel="NA"),
     [["12"], ["NA"], ["-3"]]),
    ("numeric, replaced", one({"type": "integer"}, numeric(2, 4), sentinel="NA", replaceWith="1.5"),
     [["12"], ["NA"], ["1.5"]]),
    ("replaced by nothing", one(TEXT, ngram(2), sentinel="?", replaceWith=""), [["?"], ["??"]]),
    ("replaced past ASCII", one({**TEXT, "encoding": "ascii"}, sentinel="?", replaceWith="é"),
     [["?"], ["e"]]),
    ("long grams", one(TEXT, ngram(9), BLAKE, strategy={"bitsPerFeature": 3}), [["ab"], [""]]),
]


def answer(schema, row):
    try:
        return clk(schema, b"a secret\n", row).hex()
    except (ValueError, OverflowError):
        return None


# ---- the header

def c_escape(text):
    return [chr(byte) if 32 <= byte < 127 and byte not in b'"\\?' else f"\\{byte:03o}"
            for byte in text.encode()]


def c_string(text):
    return '"' + "".join(c_escape(text)) + '"'


def c_long(text):
    lines = [""]
    for piece in c_escape(text):
        if len(lines[-1]) + len(piece) > 90:
            lines.append("")
        lines[-1] += piece
    return "\n    ".join(f'"{line}"' for line in lines)


def wrapped(pieces):
    lines = [""]
    for piece in pieces:
        if lines[-1] and len(lines[-1]) + len(piece) > 84:
            lines.append("")
        lines[-1] += ("" if lines[-1] == "" else " ") + piece + ","
    return "\n      ".join(lines)


def blooms(filters, fields, secret, record):
    """The filters of a record, one after the other, and its mask."""
    bits_of, mask_of = b"", 0
    for name, bits, inside in filters:
        own = [values if f in inside else [] for f, values in enumerate(record)]
        filter_bits, mask = bloom(bits, fields, secret, own, name)
        bits_of, mask_of = bits_of + filter_bits, mask_of | mask
    return bits_of, mask_of


def header():
    lines = ["/* Made by encode_vectors.py; do not edit. */", "// clang-format off",
             "#ifndef KITH_TESTS_ENCODE_VECTORS_H", "#define KITH_TESTS_ENCODE_VECTORS_H", "",
             "#include <stddef.h>", "",
             "/* Of so many bits under \"a secret\\n\", over the fields of bloom_fields. */",
             "struct bloom_vector {", "  const char *values[5][4];", "  unsigned mask;",
             "  const char *filter;", "};",
             "struct bloom_field { const char *name; unsigned q; unsigned bits_per_token; };",
             "static const struct bloom_field bloom_fields[5] = {"]
    lines += [f"    {{{c_string(n)}, {q}, {b}}}," for n, q, b in BLOOM_FIELDS] + ["};"]
    for bits in (64, 1024, "filters"):
        lines.append(f"static const struct bloom_vector bloom_{bits}[] = {{")
        for record in BLOOM_RECORDS:
            filter_bits, mask = bloom(bits, BLOOM_FIELDS, b"a secret\n", record) \
                if bits != "filters" else \
                blooms(BLOOM_FILTERS, BLOOM_FIELDS, b"a secret\n", record)
            values = wrapped("{" + (", ".join(map(c_string, v)) or "NULL") + "}" for v in record)
            lines += [f"    {{{{{values}}}, {mask},", f"    {c_long(filter_bits.hex())}}},"]
        lines.append("};")
    lines += ["/* Of the records in bloom_filters. */",
              "static const struct { const char *name; unsigned bits; unsigned fields; } "
              "bloom_filter_list[] = {"]
    lines += [f"    {{{c_string(name)}, {bits}, {sum(1 << f for f in inside)}}},"
              for name, bits, inside in BLOOM_FILTERS] + ["};"]
    check = hkdf("sha256", b"a secret\n", b"", b"kith key check v1", 16)
    lines += [f"static const char bloom_key_check[] = {c_string(check.hex())};", "",
              "/* `clk` in hexadecimal, NULL: the row is refused. */",
              "struct clkhash_row { const char *values[5]; const char *clk; };",
              "struct clkhash_vector { const char *name; const char *schema; size_t n_values;",
              "  const struct clkhash_row *rows; size_t n_rows; };"]
    for i, (_, schema, rows) in enumerate(CASES):
        lines.append(f"static const struct clkhash_row clkhash_rows_{i}[] = {{")
        for row in rows:
            hex_ = answer(schema, row)
            values = wrapped(map(c_string, row))
            hex_ = c_long(hex_) if hex_ is not None else "NULL"
            short = f"    {{{{{values}}}, {hex_}}},"
            lines += [short] if len(short) <= 96 and "\n" not in short else \
                [f"    {{{{{values}}},", f"    {hex_}}},"]
        lines.append("};")
    lines.append("static const struct clkhash_vector clkhash_vectors[] = {")
    for i, (name, schema, rows) in enumerate(CASES):
        lines += [f"    {{{c_string(name)},", f"    {c_long(json.dumps(schema))},",
                  f"    {len(schema['features'])}, clkhash_rows_{i}, {len(rows)}}},"]
    return "\n".join(lines + ["};", "", "#endif", ""])


def main():
    path = os.path.join(HERE, "encode_vectors.h")
    text = header()
    if "--check" in sys.argv:
        with open(path, encoding="utf-8") as file:
            return int(file.read() != text)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
