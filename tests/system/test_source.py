"""kith source check and preview: what they count, what they refuse, and that a check shows no value."""
import csv
import gzip
import html.parser
import json
import os
import pathlib
import re
import subprocess
import xml.etree.ElementTree

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
KITH = pathlib.Path(os.environ.get("KITH_BUILD", ROOT / "build")) / "kith"
SHARED = pathlib.Path(os.environ.get("KITH_SHARED", ROOT / "../shared"))
HEADER = "id,given_name,surname,date_of_birth,sex,postcode\n"


def check(*arguments):
    return subprocess.run([KITH, "source", "check", *map(str, arguments)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)


def report(*arguments, status=0):
    done = check("--json", *arguments)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


GOOD = (HEADER + "1,Anna,Example,1985-04-20,F,QX1 1AB\n"
        "2,ANNA,EXAMPLE,20/04/1985,female,qx11ab\n"
        "3,Unknown,Sample (DECEASED),01/01/1990,9,NFA\n"
        "4,Peter,Model,31/02/1990,M,QX1\n"
        "5,Paula,Model,not a date,Q,HELLO\n"
        "6,,,1900-01-01,,\n")


def page(path, folder, *arguments, status=0):
    """The web page of a file; it must be well-formed."""
    out = folder / "page.html"
    assert check("--html", out, *arguments, path).returncode == status
    xml.etree.ElementTree.parse(out)
    return out.read_text()


def no_values(shown, path):
    """No cell of more than 3 letters is in the report, other than as a word of its own."""
    if shown.startswith("<!DOCTYPE html>"):  # what people see of it
        root = xml.etree.ElementTree.fromstring(re.sub(r"<style>.*?</style>", "", shown, flags=re.S))
        shown = " ".join([*root.itertext(), *(e.get("aria-label", "") for e in root.iter())])
    shown = shown.lower().replace(str(path).lower(), "")
    with open(path, encoding="utf-8", newline="") as file:
        values = {value.lower() for row in list(csv.reader(file))[1:] for value in row}
    found = {value for value in values - WORDS if len(re.findall(r"[^\W\d_]", value)) > 3
             and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", shown)}
    assert not found


# Words of the report itself that are somebody's name or town, too.
WORDS = {"child", "more", "not known", "unknown", "female", "male", "mark", "read", "rose", "grace", "page", "fine", "whole",
         "bill", "file", "early", "field", "street", "none", "round", "note", "known", "names",
         "august", "april", "june", "small", "light", "dark", "white", "black", "brown", "green"}


def test_counts(tmp_path):
    found = report(written(tmp_path / "a.csv", GOOD))
    assert found["rows"] == 6
    assert found["profile"] == "standard"
    assert found["set_aside"]["rows"] == 0
    assert found["duplicates"] == {"rows": 1, "people": 1}
    fields = found["fields"]
    assert fields["given_name"] == {"column": True, "missing": 1, "placeholder": 1, "unusable": 0,
                                    "implausible": 0, "partial": 0, "repaired": 0, "fine": 4}
    assert fields["surname"]["repaired"] == 1
    assert fields["date_of_birth"] == {"column": True, "missing": 0, "placeholder": 1,
                                       "unusable": 1, "implausible": 0, "partial": 2,
                                       "repaired": 0, "fine": 2}
    assert found["bad_dates"] == {"unusable": 1, "placeholder": 1, "partial": 2}
    assert fields["postcode"]["placeholder"] == 1
    assert fields["street"]["column"] is False and fields["street"]["missing"] == 6
    assert found["unusable"] == [{"row": 6, "field": "date_of_birth"}, {"row": 6, "field": "sex"},
                                 {"row": 6, "field": "postcode"}]


def test_table_and_no_values(tmp_path):
    done = check(written(tmp_path / "a.csv", GOOD))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].endswith(": ready with remarks")
    assert re.search(r"^FIELD +COLUMN +MISSING ", done.stdout, re.M)
    assert done.stderr == ""
    for value in ["Anna", "ANNA", "Example", "1985", "QX1", "Sample", "HELLO", "not a date"]:
        assert value.lower() not in done.stdout.lower()


def test_gzip(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(GOOD.encode()))
    plain = report(written(tmp_path / "a.csv", GOOD))
    packed = report(path)
    for found in (plain, packed):
        del found["file"], found["values"]  # the latter are estimates
    assert plain == packed


def test_rows_set_aside(tmp_path):
    content = (HEADER.encode() + b"1,a,b,1985-04-20,F,\n" b"1,SECRET,b,1985-04-20,F,\n"
               b",SECRET,b,,,\n" b"2,SECRET\n" b"3,a,b,c,d,e,SECRET\n" b"4,SECRET\xe9\xc3\xa9,b,,,\n")
    path = written(tmp_path / "a.csv", content)
    found = report(path, status=65)
    assert found["rows"] == 6
    aside = found["set_aside"]
    assert aside["rows"] == 5
    assert [(r["row"], r["column"], r["rule"]) for r in aside["first"]] == [
        (3, 1, "repeated id"), (4, 1, "no id"), (5, None, "wrong number of fields"),
        (6, None, "wrong number of fields"), (7, 2, "not UTF-8")]
    assert aside["by_rule"]["wrong number of fields"] == 2
    done = check(path)
    assert done.returncode == 65
    assert "SECRET" not in done.stdout + done.stderr


@pytest.mark.parametrize("row,rule,column", [
    (b"2,SECRET\0,b,,,", "not UTF-8", 2),
    (b"2,\"SECRET\" b,b,,,", "broken quotes", 2),
    (b"2,a,\"SECRET,,,", "broken quotes", 3),
    (b"2," + b"SECRET" * 1_000_000 + b",b,,,", "over a limit", 2),
    (b"2,a,b,,," + b",x" * 5000, "over a limit", 1025),
    (b"\xef\xbb\xbf2,SECRET,b,,,", "not UTF-8", 1),
], ids=["nul", "quote", "unclosed", "long", "columns", "mark"])
def test_a_row_that_is_broken(tmp_path, row, rule, column):
    """One row is set aside and reported with its line; those after it are read."""
    first = b"1,a,\"b\nb\",,,\n"
    after = b"".join(b"%d,a,b,,,\n" % i for i in range(3, 1003))
    path = written(tmp_path / "a.csv", HEADER.encode() + first + row + b"\n" + after)
    found = report(path, status=65)
    assert found["rows"] == 1002
    assert found["set_aside"]["rows"] == 1
    assert found["set_aside"]["first"] == [{"row": 3, "line": 4, "column": column, "rule": rule}]
    done = check(path)
    assert f"{rule}" in done.stdout and "3 (line 4)" in done.stdout
    assert "SECRET" not in done.stdout + done.stderr


def test_built_in_profiles():
    done = subprocess.run([KITH, "source", "profiles"], capture_output=True, text=True, timeout=60)
    names = [line.split()[0] for line in done.stdout.splitlines()[1:]]
    assert done.returncode == 0 and "police" in names and len(names) >= 11
    done = subprocess.run([KITH, "source", "profiles", "police"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "full_name = surname, forenames" in done.stdout
    assert subprocess.run([KITH, "source", "profiles", "x"], capture_output=True, timeout=60).returncode == 66


def test_a_profile_in_encode_and_setup(tmp_path):
    subprocess.run([KITH, "generate", "--people", "200", "--agencies", "2", "--seed", "1", "--out",
                    tmp_path / "city"], check=True, capture_output=True, timeout=60)
    secret = written(tmp_path / "secret", b"s")
    own = written(tmp_path / "own.csv", "nominal_ref,name,dob\n1,\"LEE, Ann\",20/04/1985\n")
    same = written(tmp_path / "same.csv", "id,given_name,surname,date_of_birth\n1,Ann,Lee,1985-04-20\n")
    made = []
    for path, rest in ((own, ["--profile", "police"]), (same, [])):
        out = path.with_suffix(".kith")
        subprocess.run([KITH, "encode", "--schema", tmp_path / "city" / "policy.json", "--secret-file", secret,
                        *rest, "--out", out, path], check=True, capture_output=True, timeout=60)
        made.append(out.read_bytes())
    assert made[0] == made[1]


def test_windows_1252(tmp_path):
    text = HEADER + "1,Zoë,Müller,1985-04-20,F,\n2,Ann,Roe,1985-04-20,F,\n"
    found = report(written(tmp_path / "a.csv", text.encode("cp1252")))
    assert found["set_aside"]["rows"] == 0 and found["rows"] == 2
    mixed = text.encode() + "3,Zoë,Roe,1985-04-20,F,\n".encode("cp1252")
    found = report(written(tmp_path / "b.csv", mixed), status=65)
    assert found["set_aside"]["by_rule"]["not UTF-8"] == 1 and found["rows"] == 3


@pytest.mark.parametrize("charset,delimiter", [("utf-8-sig", ";"), ("utf-16", ","), ("utf-16-le", "\t"),
                                               ("utf-16-be", ";"), ("cp1252", ";")])
def test_what_people_send(tmp_path, charset, delimiter):
    """The same table in other character sets and delimiters is the same encodings."""
    text = HEADER + "".join(f"{i},Zoë,Müller,1985-04-2{i},F,CV1 2A{c}\n" for i, c in enumerate("BDEF"))
    plain = written(tmp_path / "people.csv", text.encode())
    other = tmp_path / "other"
    other.mkdir()
    sent = written(other / "people.csv", text.replace(",", delimiter).replace("\n", "\r\n").encode(charset))
    secret = written(tmp_path / "secret", b"s")
    policy = tmp_path / "city" / "policy.json"
    subprocess.run([KITH, "generate", "--people", "200", "--agencies", "2", "--seed", "1", "--out",
                    policy.parent], check=True, capture_output=True, timeout=60)
    made = []
    for path in (plain, sent):
        out = path.with_suffix(".kith")
        subprocess.run([KITH, "encode", "--schema", policy, "--secret-file", secret, "--out", out, path],
                       check=True, capture_output=True, timeout=60)
        made.append(out.read_bytes())
    assert made[0] == made[1]


@pytest.mark.parametrize("content,words", [
    (b"", "empty"),
    (b"\n", "blank"),
    (b"given_name,surname\nAnn,Roe\n", 'no column "id"'),
    (b"id,surname,Surname\n1,a,b\n", "same name"),
    (b"id,surname,surname\n1,a,b\n", "same name"),
    (b"id," + b",".join(b"c%d" % i for i in range(5000)) + b"\n", "column"),
    (gzip.compress(GOOD.encode())[:60], "gzip"),
], ids=["empty", "blank", "no-id", "twice", "same", "many-columns", "cut-gzip"])
def test_files_refused(tmp_path, content, words):
    done = check(written(tmp_path / "a.csv", content))
    assert done.returncode == 65
    assert words in done.stderr
    assert str(tmp_path / "a.csv") in done.stderr
    assert len(done.stderr) < 700


def test_no_file(tmp_path):
    assert check(tmp_path / "none.csv").returncode == 66
    assert check(tmp_path).returncode == 66
    denied = written(tmp_path / "denied.csv", GOOD)
    denied.chmod(0)
    if os.getuid() != 0:
        assert check(denied).returncode == 66


@pytest.mark.parametrize("arguments", [
    [], ["a.csv", "b.csv"], ["--profile"], ["--nonsense", "a.csv"],
])
def test_usage(arguments):
    done = check(*arguments)
    assert done.returncode == 2
    assert "Usage:" in done.stderr


def test_help():
    done = check("--help")
    assert done.returncode == 0 and "kith source check" in done.stdout
    done = subprocess.run([KITH, "source", "nonsense"], capture_output=True, text=True)
    assert done.returncode == 2


def test_full_output():
    if not pathlib.Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    with open("/dev/full", "w") as full:
        done = subprocess.run([KITH, "source", "check", "/dev/null"], stdout=full,
                              stderr=subprocess.PIPE, text=True)
    assert done.returncode == 65  # the file is empty: nothing was to be printed


def test_full_output_of_a_good_file(tmp_path):
    path = written(tmp_path / "a.csv", GOOD)
    with open("/dev/full", "w") as full:
        for options in [[], ["--json"]]:
            done = subprocess.run([KITH, "source", "check", *options, path], stdout=full,
                                  stderr=subprocess.PIPE, text=True)
            assert done.returncode == 74


def test_open_data(tmp_path):
    folder = SHARED / "data/city-small"
    if not folder.exists():
        pytest.skip("no open data here")
    for path in sorted(folder.glob("*.csv")):
        if path.name == "truth.csv":
            continue
        found = report(path)
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert found["rows"] == len(rows)
        for field, counts in found["fields"].items():
            empty = sum(row.get(field, "") == "" for row in rows)
            assert counts["missing"] == empty
            assert counts["column"] == (field in rows[0])
            assert sum(v for k, v in counts.items() if k != "column") == len(rows)
            assert counts["unusable"] <= len(rows) // 100
        for shown in (check(path).stdout, json.dumps(found), page(path, tmp_path)):
            no_values(shown, path)


FAULTS = HEADER[:-1] + ",nhs_number,record_date\n" + """1,Ferdinanda,Quillfeather,1985-04-20,F,QX1 1AB,9434765919,2024-02-03
2,FERDINANDA,QUILLFEATHER,20/04/1985,female,qx11ab,,
3,Quillfeather,Ferdinanda,1985-04-20,F,QX2 2AB,,
4,Unknown,Zaphodson,1990-05-06,F,QX1 1AB,,
5,Betelgeuse,Zaphodson (DECEASED),1971-02-03,F,QX1 1AB,,
6,Trilliania,Zaphodson,1790-02-03,F,QX1 1AB,,
7,Slartibart,Zaphodson,somewhen,F,QX1 1AB,,
8,Marvinella,Zaphodson,1990-01-01,F,QX1 1AB,,
9,,,1955-06-07,,,,
10,Fenchurchy,Zaphodson,1955-06-07,Q,QX1 1AB,9434765918,
11,Arthurella,Dentworth,1955-06-07,F,QX1 1AB,9434765919,
12,Arthurella,Dentworth,1956-06-07,F,QX1 1AB,,
13,Futurella,Dentworth,2026-12-31,F,HELLO,,
,Nameworthy,Dentworth,1955-06-07,F,QX1 1AB,,
1,Againworthy,Dentworth,1955-06-07,F,QX1 1AB,,
14,Short,Row
"""


def test_one_of_each_fault(tmp_path):
    path = written(tmp_path / "a.csv", FAULTS)
    found = report(path, status=65)
    fields, rows = found["fields"], found["field_rows"]
    assert (found["rows"], found["set_aside"]["rows"], found["linkable"]) == (16, 3, 12)
    assert found["set_aside"]["by_rule"] == {
        "wrong number of fields": 1, "not UTF-8": 0, "broken quotes": 0, "over a limit": 0, "no id": 1, "unusable id": 0, "repeated id": 1}
    assert found["duplicates"] == {"rows": 1, "people": 1}
    assert found["same_people"]["first"] == [3]
    assert found["likely_people"]["rows"] == 1 and found["likely_people"]["first"] == [4]
    assert found["number_conflicts"]["first"] == [2, 12]
    assert found["name_conflicts"]["first"] == [12, 13]
    assert rows["given_name"] == {"missing": [10], "placeholder": [5]}
    assert rows["surname"] == {"missing": [10], "repaired": [6]}
    assert rows["date_of_birth"] == {"unusable": [8], "implausible": [7], "partial": [9]}
    assert rows["sex"] == {"missing": [10], "unusable": [11]}
    assert rows["nhs_number"]["unusable"] == [11]
    assert fields["record_date"]["fine"] == 1
    assert found["sparse_rows"] == [10]
    assert found["values"]["sex"]["distinct"] == 1
    assert found["ages"]["not known"] == 1
    assert sum(found["ages"].values()) == sum(found["scope"].values()) == 13
    assert found["leaves"]["records"] == found["scope"]["in_scope"]
    for shown in (check(path).stdout, json.dumps(found), page(path, tmp_path, status=65)):
        no_values(shown, path)
        assert "9434765919" not in shown and "1985" not in shown and "qx1" not in shown.lower()


def test_a_default_is_seen_and_not_shown(tmp_path):
    rows = "".join(f"{i},Name{chr(97 + i % 26)}{chr(97 + i // 26 % 26)},Sur{chr(97 + i % 7)}x,"
                   f"{'1991-03-04' if i % 20 == 0 else f'{1940 + i % 80}-{i % 12 + 1:02}-{i % 28 + 1:02}'}"
                   f",F,QX1 1AB\n" for i in range(600))
    path = written(tmp_path / "a.csv", HEADER + rows)
    found = report(path)
    texts = [f["text"] for f in found["findings"] if f["severity"] == "remark"]
    assert any("commonest date of birth is on 5." in text for text in texts), texts
    assert any("commonest postcode is on 100.0%" in text for text in texts)
    assert found["values"]["date_of_birth"]["commonest_rows"] in (30, 31, 32)
    assert "1991" not in json.dumps(found)
    assert check("--strict", path).returncode == 1


def test_not_ready(tmp_path):
    path = written(tmp_path / "a.csv", HEADER + "".join(f"{i},,,1955-06-07,,\n" for i in range(50)))
    found = report(path, status=1)
    assert found["verdict"] == "not ready"
    assert found["findings"][0]["severity"] == "stop"
    assert "0 of 50 rows" in found["findings"][0]["text"]
    assert 'class="verdict stop"' in page(path, tmp_path, status=1)


def policy_of(folder, *arguments):
    out = folder / "policy.json"
    done = subprocess.run([KITH, "policy", "new", "--protection", "clk", "--agencies", "police,health", "--rule",
                           "at least 2 services", *arguments, "--out", out], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    return out


def test_scope_and_objections(tmp_path):
    policy = policy_of(tmp_path, "--scope-on", "2026-11-23", "--age-max", "60")
    path = written(tmp_path / "a.csv", FAULTS)
    gone = written(tmp_path / "gone.csv", "id\n5\n12\n99\n")
    found = report("--policy", policy, "--objections", gone, path, status=65)
    assert found["scope"]["objected"] == 2
    assert found["scope"]["age"] >= 3 and found["scope"]["unknown_birth"] == 1
    assert found["leaves"]["records"] == found["scope"]["in_scope"]
    assert found["leaves"]["bits"] == 1024 and found["leaves"]["fields"] > 0
    assert found["leaves"]["bytes"] == found["leaves"]["records"] * (1024 // 8 + 18)
    assert "objected to" in check("--policy", policy, "--objections", gone, path).stdout
    assert check("--objections", tmp_path / "none.csv", path).returncode == 66


def test_what_a_check_foretells_is_what_a_linkage_takes(tmp_path):
    policy = policy_of(tmp_path, "--scope-on", "2026-11-23", "--age-max", "60")
    value = json.loads(policy.read_text())
    value["scope"].update(places=["qx"])
    policy.write_text(json.dumps(value))
    gone = written(tmp_path / "gone.csv", "id\n5\n12\n")
    profile = written(tmp_path / "own.profile", "[columns]\nid = id\ngiven_name = given_name\n"
                      "surname = surname\ndate_of_birth = date_of_birth\nother_date_of_birth = born2\n"
                      "sex = sex\npostcode = postcode\nnhs_number = nhs_number\n")
    rows = [line + ("," + second if i else ",born2") for i, (line, second) in
            enumerate(zip(FAULTS.splitlines(), ["", "1985-04-20", "1985-04-21", *[""] * 20]))]
    path = written(tmp_path / "police.csv", "\n".join(rows) + "\n")
    other = written(tmp_path / "health.csv", GOOD)
    done = subprocess.run([KITH, "link", "--policy", policy, "--objections", f"police={gone}",
                           "--profile", f"police={profile}", "--quiet", "--out", tmp_path / "out", path,
                           other], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    took = json.loads((tmp_path / "out/report.json").read_text())["parties"][0]
    found = report("--policy", policy, "--objections", gone, "--profile", profile, path, status=65)
    assert found["scope"] == took["scope"]
    assert found["scope"]["objected"] == 2 and found["scope"]["birth_conflict"] == 1
    assert found["leaves"]["records"] == took["encoded"] > 0
    assert found["set_aside"]["rows"] == took["set_aside"]


HOSTILE = ["<script>alert(1)</script>", "</title><img src=x onerror=alert(1)>", "a&b;&#x3c;", "\"'`",
           "\x1b[31mred\x07", "\u202egnissim", "%s%n%p", "x" * 3000, "]]>", "<!--"]


def test_hostile_headers(tmp_path):
    header = ",".join('"' + name.replace('"', '""') + '"' for name in ["id", "surname", *HOSTILE])
    path = tmp_path / "<b>&\"'.csv"
    path.write_text(header + "\n" + "1,Roe" + ",secret" * len(HOSTILE) + "\n")
    shown = page(path, tmp_path, status=1)
    tags = set()
    parser = html.parser.HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.add((tag, *(k for k, _ in attrs if k[:2] == "on")))
    parser.feed(shown)
    assert {tag[0] for tag in tags} <= {"html", "head", "meta", "title", "style", "body", "main", "h1",
                                        "h2", "h3", "p", "strong", "em", "div", "span", "ul", "li", "svg",
                                        "rect", "table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert all(len(tag) == 1 for tag in tags)
    for text in (shown, check(path).stdout, json.dumps(report(path, status=1), ensure_ascii=False)):
        assert "\x1b" not in text and "\u202e" not in text and "secret" not in text
        assert "x" * 100 not in text


def test_the_page_stands_alone(tmp_path):
    shown = page(written(tmp_path / "a.csv", GOOD), tmp_path)
    root = xml.etree.ElementTree.fromstring(shown)
    name = "{http://www.w3.org/1999/xhtml}"
    assert root.tag == name + "html" and root.get("lang") == "en"
    assert len(root.findall(f".//{name}h1")) == 1
    assert all(t.find(name + "caption") is not None for t in root.iter(name + "table"))
    charts = [s for s in root.iter(name + "svg") if s.get("aria-hidden") is None]
    assert charts and all(s.get("role") == "img" and s.get("aria-label") for s in charts)
    for forbidden in ("<script", "http-equiv", "href", "src=", "url(", "@import"):
        assert forbidden not in shown
    assert shown.count("http") == 1  # the name of XHTML, which nobody fetches


def test_character_set_and_delimiter(tmp_path):
    text = HEADER.replace(",", ";") + "1;Zoë;Müller;1985-04-20;F;\n"
    path = written(tmp_path / "a.csv", text.encode("cp1252"))
    found = report(path)
    assert (found["charset"], found["delimiter"]) == ("Windows-1252", ";")
    assert "Windows-1252, columns parted by semicolons" in check(path).stdout
    assert "Windows-1252, columns parted by semicolons" in page(path, tmp_path)


def test_small_files(tmp_path):
    for content, status in [("id\n", 1), ("id\n1\n2\n", 1), ("id,surname\n", 1)]:
        path = written(tmp_path / "a.csv", content)
        found = report(path, status=status)
        assert found["verdict"] == "not ready"
        assert page(path, tmp_path, status=status)
        assert check(path).returncode == status
    assert check("--html", tmp_path / "none" / "x.html", path).returncode == 73


def test_profiles(tmp_path):
    assert check("--profile", "nonsense", written(tmp_path / "a.csv", GOOD)).returncode == 66
    own = written(tmp_path / "b.csv", GOOD.replace("id,given_name,surname,date_of_birth",
                                                   "Ref No,Name1,Name2,Born"))
    done = check(own)
    assert done.returncode == 65 and "kith-profile(5)" in done.stderr
    assert "Name1" not in done.stderr and "Ref No" not in done.stderr  # may be a person's
    profile = written(tmp_path / "own.profile", "[columns]\nid = Ref No\n"
                      "given_name = Name1\nsurname = Name2\ndate_of_birth = Born\nsex = sex\n"
                      "postcode = postcode\n")
    found = report("--profile", profile, own)
    assert "own" in found["profile"]
    assert [c["field"] for c in found["columns"]] == ["id", "given_name", "surname", "date_of_birth",
                                                      "sex", "postcode"]
    plain = report(written(tmp_path / "a.csv", GOOD))
    assert found["fields"] == plain["fields"]


def test_a_built_in_profile_is_named():
    folder = SHARED / "data/city-small/raw"
    if not folder.exists():
        pytest.skip("no open data here")
    for path in sorted(folder.glob("*.csv")):
        done = check(path)
        if done.returncode == 65:
            named = re.search(r"try --profile ([a-z_]+)", done.stderr)
            assert named, done.stderr
            assert report("--profile", named[1], path, status=check("--profile", named[1],
                                                                    path).returncode)["rows"] > 100


def preview(*arguments, status=0):
    done = subprocess.run([KITH, "source", "preview", *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == status, done.stderr
    return done.stdout


def test_preview(tmp_path):
    policy = policy_of(tmp_path, "--scope-on", "2026-11-23", "--age-max", "60")
    path = written(tmp_path / "a.csv", GOOD)
    quiet = preview("--policy", policy, path)
    assert "--show-values" in quiet and "in scope" in quiet and "date_of_birth" in quiet
    no_values(quiet, path)
    shown = preview("--policy", policy, "--show-values", "--row", "3", "--row", "6", path)
    assert 'given_name     "ANNA" -> anna   (fine)' in shown
    assert "Row 3: encoded" in shown and "Row 6: age not known" in shown and "Row 2:" not in shown
    assert '"not a date" -> nothing   (unusable)' in shown
    assert preview("--policy", policy, "--show-values", "--rows", "2", path).count("\nRow ") == 2
    hostile = written(tmp_path / "b.csv", HEADER + "1,\x1b[31mred,b,,,\n")
    assert "\x1b" not in preview("--policy", policy, "--show-values", hostile)
    preview(path, status=2)
    preview("--policy", policy, "--row", "x", path, status=2)
    preview("--policy", tmp_path / "none.json", path, status=66)


def test_names_that_are_there_twice(tmp_path):
    """Only those that are needed are in the way."""
    text = GOOD.replace("\n", ",a note,another\n").replace("postcode,a note,another", "postcode,notes,notes")
    found = report(written(tmp_path / "a.csv", text))
    assert found["ignored_columns"] == 2 and found["fields"] == report(written(tmp_path / "b.csv", GOOD))["fields"]


# ---- a proposed profile

CLIENTS = ("Title,Client surname,FORENAME(S),D.O.B.,Gender,addr1,addr2,PCODE,NHS No,ethnicity,Mother's surname\n"
           "Mr,Quillfeather,Johnathan Paul,24/05/1990,1,12 Sampleton Street,Modelton,QX1 1AB,9990000018,Teal,Yarborough\n"
           "Mrs,Okonjowole,Aishabella,01/12/1985,2,14 Exemplar Lane,Modelton,QX1 1AC,,Ochre,Zephyrine\n"
           "Mr,Brackenbury,Thomasin,03/04/1980,1,16 Exemplar Lane,Modelton,QX1 1AD,,Teal,Wrenfield\n")
PROPOSED = {"Client surname": "surname", "FORENAME(S)": "given_names", "D.O.B.": "date_of_birth", "Gender": "sex",
            "addr1": "street", "addr2": "town", "PCODE": "postcode", "NHS No": "nhs_number"}


def proposal(*arguments, status=65):
    done = check("--json", *arguments)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)["proposal"]


def test_a_profile_for_a_spreadsheet(tmp_path):
    path = written(tmp_path / "clients.csv", CLIENTS)
    found = proposal(path)
    assert {c["name"]: c["field"] for c in found["columns"] if c["field"]} == PROPOSED
    assert all(c["why"] for c in found["columns"])
    assert found["row_id"] and not found["headerless"] and found["builtin"] is None
    assert found["formats"] == {"full_name": None, "address": None, "dates": "dmy"}
    text = check(path)
    assert text.returncode == 65 and "--propose OUT.ini" in text.stdout + text.stderr
    assert "another person's" in text.stdout
    profile = tmp_path / "ours.ini"
    done = check("--propose", profile, path)
    assert done.returncode == 0 and not done.stderr
    content = profile.read_text()
    for shown in (text.stdout, text.stderr, done.stdout, content, page(path, tmp_path, status=65)):
        no_values(shown, path)
    assert "surname = Client surname\n" in content and "# sure: " in content
    read = report("--profile", profile, path)
    assert {c["name"]: c["field"] for c in read["columns"] if c["field"]} == {**PROPOSED,
                                                                             "FORENAME(S)": "given_name, middle_names"}
    assert read["rows"] == 3 and read["set_aside"]["rows"] == 0
    assert all(read["fields"][name]["fine"] == 3 for name in ("surname", "date_of_birth", "sex", "street", "postcode"))
    # What somebody worked on is not written over; a file with a profile has one.
    assert check("--propose", profile, path).returncode == 73
    assert check("--propose", tmp_path / "b.ini", "--profile", profile, path).returncode == 2
    done = subprocess.run([KITH, "source", "check", "--propose", tmp_path / "b.ini", "/dev/stdin"], input=CLIENTS,
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and "read twice" in done.stderr
    assert profile.read_text() == content and not (tmp_path / "b.ini").exists()


def test_a_file_without_a_header(tmp_path):
    """The first person is not taken for names of columns, is not shown, and is not lost."""
    path = written(tmp_path / "a.csv", CLIENTS.split("\n", 1)[1])
    profile = tmp_path / "a.ini"
    done = check("--propose", profile, path)
    assert done.returncode == 0, done.stderr
    shown = page(path, tmp_path, status=65)
    for cell in ("Quillfeather", "Johnathan", "24/05/1990", "Sampleton", "QX1 1AB"):
        assert cell not in done.stdout + profile.read_text() + shown + check(path).stdout + check(path).stderr
    found = report("--profile", profile, path)
    assert found["rows"] == 3 and found["fields"]["date_of_birth"]["fine"] == 3
    assert "Quillfeather" not in json.dumps(found) and "Quillfeather" not in check("--profile", profile, path).stdout


def test_a_proposal_beside_a_report(tmp_path):
    """An id alone is enough to be read; what is overlooked is said."""
    path = written(tmp_path / "a.csv", CLIENTS.replace("Title", "id").replace("Mr,", "1,").replace("Mrs,", "2,")
                   .replace("1,Brack", "3,Brack"))
    found = report(path, status=1)
    assert {c["name"]: c["field"] for c in found["proposal"]["columns"]}["Client surname"] == "surname"
    assert "what its columns seem to be" in check(path).stdout
    assert "What the columns seem to be" in page(path, tmp_path, status=1)
    whole = written(tmp_path / "b.csv", GOOD)
    assert "proposal" not in report(whole) and "seem to be" not in check(whole).stdout
    done = check("--propose", tmp_path / "b.ini", whole)
    assert done.returncode == 0 and "surname = surname\n" in (tmp_path / "b.ini").read_text()
    assert report("--profile", tmp_path / "b.ini", whole)["fields"] == report(whole)["fields"]


def test_proposals_for_the_raw_exports(tmp_path):
    """Without the built-in profiles' help the same columns are found, and link to the same pairs."""
    folder = SHARED / "data/city-small/raw"
    if not folder.exists():
        pytest.skip("skipped: no shared data")
    secret = written(tmp_path / "secret", "a secret of this test\n")
    made, built_in, files = [], [], sorted(folder.glob("*.csv"))
    for path in files:
        found = proposal("--propose", tmp_path / f"{path.stem}.ini", path, status=0)
        assert found["builtin"] == path.stem
        made += ["--profile", f"{path.stem}={tmp_path / path.stem}.ini"]
        built_in += ["--profile", f"{path.stem}={path.stem}"]
    for out, profiles in (("made", made), ("built_in", built_in)):
        done = subprocess.run([KITH, "link", "--quiet", "--secret-file", secret, "--out", tmp_path / out, *profiles,
                               *files], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "made/pairs.csv").read_bytes() == (tmp_path / "built_in/pairs.csv").read_bytes()
