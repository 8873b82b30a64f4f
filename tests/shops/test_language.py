"""A shop file is understood whole or refused with what is wrong, where, and what to do; none of its SQL can do more than it may."""

from __future__ import annotations

import pathlib
from pathlib import Path

import pytest

from makewhole.adapters.shops import expressions, language, shopmap, statements
from makewhole.core import faults
from makewhole.model.order import Field

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "shops").glob("*.toml"))
GOOD = """
name = "tea"
[order]
table = "t_order"
key = "id"
[order.fields]
number = "sn"
amount_due = { sql = "due", unit = "yuan" }
paid_at = { sql = "paid", unit = "unix_s" }
[order.states]
"state = 0" = "awaiting-payment"
[hands.close-expired]
kinds = ["write"]
done = "SELECT 1 FROM t_order WHERE id = :row AND state = 4"
[[hands.close-expired.write]]
what = "closed"
sql = "UPDATE t_order SET state = 4 WHERE id = :row AND state = 0"
"""


def compiled(text: str) -> shopmap.ShopMap:
    return shopmap.compile_map(language.parse(text, "tea.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_shop_file_of_the_house_is_understood(path: pathlib.Path) -> None:
    """Whoever adds one finds it tested here."""
    map_ = shopmap.compile_map(language.load(path))
    assert map_.name == path.stem
    assert {Field.ORDER_NUMBER, Field.ORDER_STATE, Field.ORDER_AMOUNT_DUE} <= set(map_.speaks_of())


def test_the_example_of_the_page_is_understood() -> None:
    """What docs/shop-files.md shows can be copied."""
    blocks = (ROOT / "docs" / "shop-files.md").read_text(encoding="utf-8").split("```toml\n")[1:]
    map_ = compiled("\n".join(b.split("```")[0] for b in blocks))
    assert (map_.name, list(map_.hands)) == ("teashop", ["record-payment"])


WRONG: list[tuple[str, str, str, str]] = [
    ('name = "tea"', "name = 3", "tea.toml: name", "Expected `str`"),
    ('name = "tea"', 'name = "Tea Shop"', "tea.toml: name", "not a shop's name"),
    ('name = "tea"', 'name = "tea"\ncolour = "red"', "tea.toml", "unknown field `colour`"),
    ('name = "tea"', 'name = "tea"\ntime_zone = "Mars/Base"', "tea.toml: time_zone", "Mars/Base"),
    ('name = "tea"', 'name = "tea"\ndialect = "oracle"', "tea.toml: dialect", "oracle"),
    ('name = "tea"', 'name = "tea"\npayment_numbers = ["{order}"]', "tea.toml: payment_numbers", "{order}"),
    ('name = "tea"', "name = ", "tea.toml", "not TOML"),
    ('key = "id"', "", "tea.toml: order", "the order's key is missing"),
    ('table = "t_order"', "", "tea.toml: order", "missing required field `table`"),
    ('number = "sn"', "", "tea.toml: order.fields", "order.number is not mapped"),
    ('number = "sn"', 'number = "sn"\ncolour = "red"', "tea.toml: order.fields.colour", "no field of ours"),
    ('number = "sn"', 'number = "sn"\nstate = "state"', "tea.toml: order.fields.state", "told by conditions"),
    (', unit = "yuan"', "", "tea.toml: order.fields.amount_due", "needs its unit"),
    ('unit = "yuan"', 'unit = "dollars"', "tea.toml: order.fields.amount_due.unit", "Invalid enum value 'dollars'"),
    ('unit = "unix_s"', 'unit = "fen"', "tea.toml: order.fields.paid_at", "no unit fen"),
    ('"state = 0" = "awaiting-payment"', "", "tea.toml: order", "states are missing"),
    ('= "awaiting-payment"', '= "open"', "tea.toml: order.states: 'state = 0'", "no word of ours"),
    ('"state = 0"', '"state ="', "tea.toml: order.states: 'state ='", "not SQL"),
    ("hands.close-expired", "hands.delete-order", "tea.toml: hands.delete-order", "no act is called"),
    ('kinds = ["write"]', 'kinds = ["call", "write"]', "tea.toml: hands.close-expired", "call is either not declared"),
    ('kinds = ["write"]', 'kinds = ["replay", "write"]', "tea.toml: hands.close-expired.kinds", "no callback to replay"),
    ('kinds = ["write"]', 'kinds = ["magic"]', "tea.toml: hands.close-expired.kinds[0]", "Invalid enum value"),
    ('what = "closed"', "", "tea.toml: hands.close-expired.write[0]", "missing required field `what`"),
    ('what = "closed"', 'what = "x"\nexpect_rows = "some"', "tea.toml: hands.close-expired.write[0]", "expect_rows"),
    ('what = "closed"', 'what = "x"\nfor_each = "buyer"', "tea.toml: hands.close-expired.write[0]", "for_each"),
    (":row AND state = 0", ":order AND state = 0", "tea.toml: hands.close-expired.write[0]", "no parameter is called order"),
]


@pytest.mark.parametrize("old, new, where, what", WRONG, ids=[f"{w[2]} {w[3]}" for w in WRONG])
def test_a_mistake_is_named_with_its_place_and_a_way_out(old: str, new: str, where: str, what: str) -> None:
    """Whoever wrote the file is told what, where and what to do."""
    compiled(GOOD)
    with pytest.raises(faults.BadInput) as told:
        compiled(GOOD.replace(old, new))
    assert (told.value.where, what in told.value.what) == (where, True), told.value
    assert told.value.todo


EXPRESSIONS = ("SLEEP(5)", "a; b", "a -- x", "a /* x */", "a # x", "EXISTS (SELECT 1)", "a IN (SELECT b FROM c)", "(SELECT 1)", "a / 2",
    "a DIV 2",
    "@@version", "@x := 1", "LOAD_FILE('/etc/passwd')", "user()", "t.a", "a = :x", "a = ?", "COUNT(*)", "SUM(a)", "RAND()", "NOW()",
    "CAST(a AS JSON)", "a INTO OUTFILE '/x'", "a UNION SELECT 1", "CASE", "", "`a b`", "a COLLATE utf8_bin", "a REGEXP 'x'",
    "UPDATE t SET a = 1", "DROP TABLE t", "a AS b", "*")  # fmt: skip


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_may_only_look_at_its_row(text: str) -> None:
    """Everything else is refused when the file is read, whatever the database would say to it."""
    with pytest.raises(faults.BadInput):
        expressions.parse(text, "mysql", "tea.toml: x")


STATEMENTS = ("UPDATE t SET a = 1", "UPDATE t SET a = 1 WHERE 1 = 1", "UPDATE t SET a = 1 WHERE b = 2", "DELETE FROM t WHERE id = :row",
    "UPDATE t, u SET a = 1 WHERE t.id = :row", "UPDATE t JOIN u ON t.id = u.id SET t.a = 1 WHERE t.id = :row", "DROP TABLE t",
    "TRUNCATE t", "ALTER TABLE t ADD a INT", "REPLACE INTO t (a) VALUES (:row)", "INSERT IGNORE INTO t (a) VALUES (:row)",
    "INSERT INTO t (a) VALUES (:row) ON DUPLICATE KEY UPDATE a = 1", "INSERT INTO t VALUES (:row)", "INSERT INTO t (a) VALUES (1), (2)",
    "INSERT INTO t (a) SELECT a FROM t", "INSERT INTO t (a) SELECT a FROM t WHERE a = 1", "SELECT 1 FROM t WHERE a = :row",
    "UPDATE other.t SET a = 1 WHERE id = :row", "UPDATE t SET a = SLEEP(9) WHERE id = :row",
    "UPDATE t SET a = a + 1, b = a WHERE id = :row",
    "UPDATE t SET a = 1 WHERE id = :row; UPDATE t SET a = 2 WHERE id = :row", "UPDATE t SET a = 1 WHERE id = :row -- x",
    "UPDATE t SET a = 1 WHERE id = ?", "CALL p(:row)", "SET GLOBAL x = 1", "GRANT ALL ON *.* TO x",
    "UPDATE t SET a = b / 2 WHERE id = :row",
    "LOAD DATA INFILE 'x' INTO TABLE t", "UPDATE t SET a = @x WHERE id = :row")  # fmt: skip


@pytest.mark.parametrize("sql", STATEMENTS)
def test_a_hand_may_only_write_rows_that_it_names(sql: str) -> None:
    """No statement of these comes near a database."""
    with pytest.raises(faults.BadInput):
        statements.parse_write(language.StatementSpec(sql=sql, what="x"), "mysql", "tea.toml: x")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE t SET a = 1 WHERE id = :row",
        "SELECT 1 FROM t",
        "SELECT 1 FROM t WHERE a = 1",
        "SELECT 1 FROM t WHERE a = :row FOR UPDATE",
        "SELECT 1 FROM t JOIN u ON t.id = u.id WHERE t.id = :row",
        "SELECT 1 FROM t WHERE a = :row UNION SELECT 1",
    ],
)
def test_done_is_a_question_about_one_row(sql: str) -> None:
    """It may neither lock, nor ask without naming what it asks about."""
    with pytest.raises(faults.BadInput):
        statements.parse_query(sql, "mysql", "tea.toml: x")


def test_a_text_of_the_file_never_becomes_part_of_a_statement() -> None:
    """Whatever stands between quotes travels as a parameter."""
    told = expressions.parse("a = 'x'' OR 1 = 1 :b %s'", "mysql", "x")
    for dialect in ("mysql", "sqlite"):
        scribe = expressions.Scribe(dialect=dialect)
        assert "OR" not in scribe.write(told, "o")
        assert scribe.values == {"v0": "x' OR 1 = 1 :b %s"}


def test_a_parameter_may_be_called_like_a_keyword() -> None:
    """`:key` and `:full` are names after their colon, whatever MySQL makes of the words."""
    told = statements.parse_write(
        language.StatementSpec(sql="UPDATE t SET a = CONCAT('k', :key), b = :full WHERE id = :row", what="x"), "mysql", "x"
    )
    assert told.parameters() == {"key", "full", "row"}


def test_a_file_is_found_by_name_or_path() -> None:
    """And a name that is none is answered with those there are."""
    folder = ROOT / "shops"
    assert language.find("mall", folder) == folder / "mall.toml"
    assert language.find("./x.toml", folder) == Path("./x.toml")
    with pytest.raises(faults.BadInput, match="mall"):
        language.find("mail", folder)
    with pytest.raises(faults.BadInput, match="cannot be read"):
        language.load(folder / "none.toml")
