"""What looking at a database costs it and what it shows: bounded on big tables, no write, the same on every server."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from makewhole.adapters.shops import engines, language, schema, shopmap, survey
from makewhole.attach import infer, proposal, shopfile
from makewhole.attach.survey import Kind
from tests.servers import launch, postgres

pytestmark = pytest.mark.server
ROWS = 60_000
BIG = (
    """CREATE TABLE t_order (id BIGINT PRIMARY KEY AUTO_INCREMENT COMMENT '主键', order_sn VARCHAR(32) NOT NULL COMMENT '订单编号',
       user_id BIGINT NOT NULL COMMENT '用户', pay_amount DECIMAL(10,2) NOT NULL COMMENT '应付金额', status INT NOT NULL COMMENT '订单状态',
       create_time DATETIME NOT NULL COMMENT '下单时间', pay_time DATETIME COMMENT '支付时间', KEY k_status (status)) COMMENT '订单表'""",
    f"""INSERT INTO t_order (order_sn, user_id, pay_amount, status, create_time, pay_time)
        SELECT 2026000000000 + seq, MOD(seq, 900), MOD(seq, 977), IF(seq = 777, 9, MOD(seq, 5)), '2026-01-01' + INTERVAL seq MINUTE, NULL
        FROM seq_1_to_{ROWS}""",
    "ANALYZE TABLE t_order",
)
SHOP = (
    """CREATE TABLE orders (id BIGSERIAL PRIMARY KEY, order_no VARCHAR(40) NOT NULL UNIQUE, customer_id BIGINT NOT NULL,
       token UUID NOT NULL DEFAULT gen_random_uuid(),
       status VARCHAR(20) NOT NULL, total_amount NUMERIC(12,2) NOT NULL, is_deleted BOOLEAN NOT NULL DEFAULT FALSE,
       created_at TIMESTAMPTZ NOT NULL, paid_at TIMESTAMPTZ, shipped_at TIMESTAMPTZ, tracking_number VARCHAR(40))""",
    """CREATE TABLE order_items (id BIGSERIAL PRIMARY KEY, order_id BIGINT NOT NULL REFERENCES orders (id), sku VARCHAR(40) NOT NULL,
       quantity INT NOT NULL, amount NUMERIC(12,2) NOT NULL)""",
    "COMMENT ON TABLE orders IS '订单表'",
    "COMMENT ON COLUMN orders.total_amount IS '订单总额'",
    """INSERT INTO orders (order_no, customer_id, status, total_amount, created_at, paid_at)
       SELECT 'SO2026' || (100000 + n), MOD(n, 7), CASE WHEN MOD(n, 3) = 0 THEN 'pending' ELSE 'paid' END, 10 + n, now(),
       CASE WHEN MOD(n, 3) = 0 THEN NULL ELSE now() END FROM generate_series(1, 40) n""",
    "INSERT INTO order_items (order_id, sku, quantity, amount) SELECT id, 'S' || MOD(id, 9), 1 + MOD(id, 2), total_amount FROM orders",
)


def rows_read(server: launch.Server) -> int:
    """By the server's own count, of every row that anybody read of the table."""
    with server.root_connection() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(SUM(rows_read), 0) FROM information_schema.table_statistics WHERE table_name = 't_order'")
        return int(cursor.fetchall()[0][0])


def test_a_big_table_is_sampled_by_its_key_and_its_codes_by_their_index(mariadb: launch.Server) -> None:
    """Sixty thousand rows, some hundreds read; both ends and places between; a code that one row carries is seen all the same."""
    database = mariadb.create_database()
    writer = engines.for_hands(mariadb.url(database))
    with writer.begin() as connection:
        for statement in BIG:
            connection.exec_driver_sql(statement)
    writer.dispose()
    with mariadb.root_connection() as root, root.cursor() as cursor:
        cursor.execute("SET GLOBAL userstat = 1")
    before = rows_read(mariadb)
    engine = engines.for_eyes(mariadb.url(database, "reader"))
    table = survey.take(engine, "test").by_name["t_order"]
    engine.dispose()
    assert 0 < rows_read(mariadb) - before <= 2 * survey.SAMPLE_ROWS
    assert table.rows > ROWS // 2
    assert not table.whole
    ids = sorted(int(str(v)) for v in table.values("id"))
    assert (ids[0], ids[-1]) == (1, ROWS)
    assert any(ROWS // 4 < i < 3 * ROWS // 4 for i in ids)
    assert table.by_name["status"].codes == ("0", "1", "2", "3", "4", "9")
    assert table.by_name["order_sn"].comment == "订单编号"


def test_postgresql_is_surveyed_proposed_and_fits(postgresql: postgres.Server) -> None:
    """Comments, keys, references and a BOOLEAN, from an account that can only read; the proposed file compiles and fits."""
    database = postgresql.create_database()
    writer = engines.for_hands(postgresql.url(database))
    with writer.begin() as connection:
        for statement in SHOP:
            connection.exec_driver_sql(statement)
    writer.dispose()
    engine = engines.for_eyes(postgresql.url(database, "reader"))
    told = survey.take(engine, "test")
    orders = told.by_name["orders"]
    assert (orders.comment, orders.key, orders.by_name["paid_at"].zoned) == ("订单表", ("id",), True)
    assert orders.by_name["total_amount"].kind is Kind.DECIMAL
    assert told.by_name["order_items"].references[0].table == "orders"
    made = infer.propose(told)
    assert made is not None
    assert made.zone == "Asia/Shanghai"
    deleted, role = made.field("order.deleted"), made.role("order")
    assert deleted is not None
    assert deleted.sql == "is_deleted = TRUE"
    assert role is not None
    assert dict(role.states) == {"status = 'pending'": "awaiting-payment", "status = 'paid'": "awaiting-shipment"}
    map_ = shopmap.compile_map(language.parse(shopfile.text(made, "shop", lambda _: "", ()), "proposed"))
    with engine.connect() as connection:
        schema.reflect(connection, map_)
    engine.dispose()


def test_what_a_survey_keeps_of_texts_is_short(mariadb: launch.Server) -> None:
    """Letters to the seller stay where they are: the first characters of a text tell what it is."""
    database = mariadb.create_database()
    writer = engines.for_hands(mariadb.url(database))
    with writer.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE orders (id INT PRIMARY KEY, note TEXT, extra JSON, raw BLOB)")
        connection.execute(sa.text("INSERT INTO orders VALUES (1, :note, '{}', 'x')"), {"note": "信" * 500})
    writer.dispose()
    engine = engines.for_eyes(mariadb.url(database, "reader"))
    (row,) = survey.take(engine, "test").by_name["orders"].sample
    engine.dispose()
    assert row[0] == 1
    assert len(str(row[1])) == survey.TEXT_CHARACTERS_MAX
    assert row[3] is None


def evidence(told: proposal.Proposal) -> str:
    return " ".join(e.what for f in told.found for e in f.evidence)


def test_no_reason_quotes_a_value_of_a_row(postgresql: postgres.Server) -> None:
    """Reasons travel into files and logs; the rows of buyers do not."""
    database = postgresql.create_database()
    writer = engines.for_hands(postgresql.url(database))
    with writer.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE orders (id BIGSERIAL PRIMARY KEY, order_no TEXT, phone VARCHAR(20), amount NUMERIC(10,2), created_at TIMESTAMP)"
        )
        connection.exec_driver_sql(
            "INSERT INTO orders (order_no, phone, amount, created_at) "
            "SELECT 'SO2026' || (700000 + n), '138' || (10000000 + n), 77.5, now() "
            "FROM generate_series(1, 30) n"
        )
    writer.dispose()
    engine = engines.for_eyes(postgresql.url(database, "reader"))
    told = infer.propose(survey.take(engine, "test"))
    engine.dispose()
    assert told is not None
    phone = told.field("order.receiver_phone")
    assert phone is not None
    assert not re.search(r"138\d{8}|SO2026\d+|77\.5", evidence(told))
