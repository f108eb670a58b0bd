"""docs/threat-model.md names a test for each forgery; each of them must be there."""
import re

from partnership import ROOT

PAGE = ROOT / "docs" / "threat-model.md"
FORGERIES_MIN = 20
TEST = re.compile(r"`((?:tests/\S+/)?test_\w+(?:\.py|\.c)?|\w+_\w+)`")


def functions():
    """Name -> files of every test function, Python or cmocka."""
    found = {}
    for path in [*(ROOT / "tests" / "system").glob("test_*.py"), *(ROOT / "tests" / "unit").glob("test_*.c")]:
        text = path.read_text()
        names = re.findall(r"^def (test_\w+)\(", text, re.M) if path.suffix == ".py" else \
            re.findall(r"cmocka_unit_test\w*\((\w+)", text)
        for name in names:
            found.setdefault(name, set()).add(path.relative_to(ROOT).as_posix())
    return found


def rows(page):
    """(section, forgery, last cell, the file that the section says all are in) of each list of forgeries."""
    found = []
    for section in re.split(r"^### ", page, flags=re.M)[1:]:
        title, _, body = section.partition("\n")
        if "the test that refuses each" not in title:
            continue
        body = re.split(r"^## ", body, flags=re.M)[0]
        where = re.search(r"All in `(tests/\S+?)`", body)
        assert where, f"{title}: which file are its tests in?"
        for line in body.splitlines():
            cells = [c.strip() for c in line.strip("|").split("|")]
            if line.startswith("|") and not set(line) <= set("|- ") and cells[-1] != "test":
                found.append((title, cells[0], cells[-1], where[1]))
    return found


def unknown(found, page):
    """What is wrong with the list: rows whose tests don't exist, or exist elsewhere than is said."""
    known, wrong, named = functions(), [], False
    for title, forgery, cell, where in found:
        names = TEST.findall(cell)
        if cell == "the same":
            if not named:
                wrong.append(f"{title}: {forgery}: the same as what?")
            continue
        files = [n for n in names if n.endswith((".py", ".c"))]
        tests = [n for n in names if n not in files]
        paths = [f if "/" in f else f"tests/system/{f}" for f in files]
        wrong += [f"{forgery}: {p} is not there" for p in paths if not (ROOT / p).is_file()]
        wrong += [f"{forgery}: {t} is not in {[*paths, where]}" for t in tests
                  if not known.get(t, set()) & {*paths, where}]
        if not names:
            wrong.append(f"{forgery}: no test is named")
        named = True
    return wrong


def test_every_forgery_has_its_test():
    page = PAGE.read_text()
    found = rows(page)
    assert len({forgery for _, forgery, _, _ in found}) >= FORGERIES_MIN
    assert not unknown(found, page)


def test_a_name_that_is_not_there_is_found():
    page = PAGE.read_text()
    for name in set(TEST.findall(" ".join(cell for _, _, cell, _ in rows(page)))):
        changed = page.replace(f"`{name}`", f"`{name[:-3]}x{name[-3:]}`")
        assert unknown(rows(changed), changed), name
