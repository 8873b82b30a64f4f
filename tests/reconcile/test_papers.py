"""The sheets of a day on paper: every number of it there, in both languages, and nothing in them that a spreadsheet would reckon with."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from makewhole.adapters.reports import page, table, workbook
from makewhole.cli import sheets
from makewhole.cli.catalogue import meanings, papers
from makewhole.core import ids, money
from makewhole.model import bill, case, comparison, daysheet, decision, difference, finding, plan

NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
DAY = 20780
SHOP, WECHAT = ids.ShopName("mall"), ids.ChannelName("wechatpay")
EVIL = '=HYPERLINK("http://x","1")<script>alert(1)</script>'


def told(fen: int, standing: bill.Standing = bill.Standing.PAID) -> comparison.Told:
    return comparison.Told(line=1, amount_fen=fen, fee_millifen=fen * 6, currency="CNY", standing=standing, at=NOW, day=DAY)


def row(number: str, state: daysheet.DayState = daysheet.DayState.PERSON, said: decision.Decision | None = None) -> daysheet.Row:
    order = ids.OrderKey(shop=SHOP, number=ids.OrderNumber(number))
    found = difference.Difference(
        id=ids.derive("x", number),
        order=order,
        channel=WECHAT,
        merchant="1900000001",
        kind=bill.Kind.PAYMENT,
        number=number,
        what=bill.Break.AMOUNT,
        day=DAY,
        ours=told(1250),
        theirs=told(1150),
        found_at=NOW,
        source="b",
    )
    reason = finding.Reason(cause=finding.Cause.OPERATOR_ERROR, detail=finding.CauseDetail.WRONG_AMOUNT_CONFIGURED, confidence=0.6)
    about = finding.Finding(ailment=finding.Ailment.AMOUNT_DIFFERS, subject=("t",), reason=reason, stake=money.Money(fen=100), evidence=())
    followed = case.Case(
        id=ids.CaseId("c"),
        order=order,
        finding=about,
        opened_at=NOW,
        deadline=NOW + timedelta(days=1),
        terminal=plan.Terminal.PERSON,
    )
    return daysheet.Row(of=difference.Followed(found=found), state=state, case=followed, decided=said)


def total(side: bill.Side, what: bill.Break, fen: int) -> comparison.Sum:
    return comparison.Sum(
        side=side, channel=WECHAT, currency="CNY", kind=bill.Kind.PAYMENT, day=DAY, what=what, lines=1, fen=fen, fees_millifen=fen * 6
    )


def sheet(*rows: daysheet.Row) -> daysheet.DaySheet:
    return daysheet.DaySheet(
        shop=SHOP,
        channel=WECHAT,
        merchant="1900000001",
        day=DAY,
        stage=bill.Stage.BILL,
        source="ab" * 32,
        closed_at=NOW,
        printed_at=NOW,
        sums=(
            total(bill.Side.OURS, bill.Break.MATCHED, 98_765_432_10),
            total(bill.Side.OURS, bill.Break.AMOUNT, 1250),
            total(bill.Side.THEIRS, bill.Break.MATCHED, 98_765_432_10),
            total(bill.Side.THEIRS, bill.Break.AMOUNT, 1150),
        ),
        rows=rows,
        settled=(comparison.Settled(channel=WECHAT, currency="CNY", gross_fen=98_765_443_60, fees_millifen=59_259_266_160, fees_fen=1),),
    )


def test_the_page_says_everything_in_both_languages_and_escapes_what_others_wrote() -> None:
    """Both sides, the gap, the cause, the state, the owner and until when; sums of whole books; and no script of a buyer's."""
    said = decision.Decision(choice=decision.Choice.WAIT, by="林会计", why=EVIL, at=NOW)
    text = page.render([sheet(row("S1"), row(EVIL, said=said))], sheets.words)
    for word in (
        "对账日报",
        "Daily reconciliation",
        "微信支付",
        "WeChat Pay",
        "2026-11-23",
        "¥12.50",
        "¥11.50",
        "¥1.00",
        "财务",
        "finance",
        "林会计",
        "592,592.66160",
        "我方减渠道",
        "净额",
    ):
        assert word in text, word
    assert "¥98,765,444.60" in text  # ours: matched and broken are the whole book
    assert "¥98,765,443.60" in text  # theirs
    assert "98,172,850.93840" in text  # what the bill pays out: less its fees
    assert re.search(r'<td class="n" colspan="3">2</td><td class="n">¥2\.00</td>', text)  # the differences, and what is in question of them
    assert "2026-11-25 10:00:00" in text  # the deadline, in Beijing
    assert "已逾期" not in text
    late = msgspec.structs.replace(sheet(row("S1")), printed_at=NOW + timedelta(days=1, seconds=1))
    assert "已逾期" in page.render([late], sheets.words)
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text
    assert re.findall(r"(?:src|href)=|url\(|@import", text) == []


def test_a_page_of_nothing_and_of_no_difference_says_so() -> None:
    assert "没有差异" in page.render([sheet()], sheets.words)
    assert "无" in page.render([], sheets.words)


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "a\n=1", "＝1"])
def test_no_cell_of_a_table_is_a_formula(tmp_path: Path, start: str) -> None:
    """Behind a quote in CSV; our own amounts stay numbers, negative or not."""
    path = tmp_path / "t.csv"
    table.write_csv(path, [sheet(row(start))], sheets.words)
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    heads, line = csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""))
    told_ = dict(zip(table.COLUMNS, line, strict=True))
    assert len(heads) == len(line) == len(table.COLUMNS)
    assert told_["number"] == f"'{start}"
    assert (told_["ours-amount"], told_["theirs-amount"], told_["gap"]) == ("12.50", "11.50", "1.00")
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in (*heads, *line))


def test_a_workbook_has_numbers_for_amounts_and_text_for_all_else(tmp_path: Path) -> None:
    """No formula, no link; two sheets; every line of the day."""
    path = tmp_path / "t.xlsx"
    workbook.write(path, [sheet(row("S1"), row(EVIL))], sheets.words)
    with zipfile.ZipFile(path) as archive:
        xml = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".xml")}
    cells = xml["xl/worksheets/sheet2.xml"]
    assert "<f>" not in "".join(xml.values())
    assert "<hyperlink" not in "".join(xml.values())
    assert "<v>12.5</v>" in cells
    assert cells.count("<row ") == 3
    assert xml["xl/worksheets/sheet1.xml"].count("<row ") == 5
    assert "=HYPERLINK" in "".join(xml.values())
    assert 98_765_432_10 in {round(float(told_) * 100) for told_ in re.findall(r"<v>([0-9.]+)</v>", xml["xl/worksheets/sheet1.xml"])}


def test_the_four_files_lie_beside_one_another_and_are_replaced_whole(tmp_path: Path) -> None:
    sheets.written([sheet()], tmp_path / "reports")
    paths = sheets.written([sheet(row("S1"))], tmp_path / "reports")
    assert sorted(p.name for p in (tmp_path / "reports").iterdir()) == sorted(p.name for p in paths)
    (document,) = json.loads((tmp_path / "reports" / "2026-11-23.json").read_bytes())
    assert document["differences"][0]["amount_fen"] == 100
    assert document["by_state"] == {"person": {"lines": 1, "amount_fen": 100}}


def test_every_word_of_a_sheet_is_there_in_both_languages() -> None:
    """Of the template, of the columns, and of every noun that can stand in one."""
    template = (Path(page.__file__).parent / "page.html").read_text(encoding="utf-8")
    named = set(re.findall(r'(?:zh|en)\("([a-z]+\.[a-z-]+)"\)', template)) | {f"sheet.{name}" for name in table.COLUMNS}
    assert named <= set(papers.PAPERS)
    for kind in (bill.Break, bill.Side, bill.Kind, bill.Standing, daysheet.DayState, decision.Choice, finding.Ailment, finding.CauseDetail):
        assert {f"{kind.__name__}.{m.value}" for m in kind} <= set(meanings.MEANINGS)
    assert {f"Stage.{m.value}" for m in bill.Stage} <= set(papers.PAPERS)
    assert all(en and zh for en, zh in papers.PAPERS.values())
