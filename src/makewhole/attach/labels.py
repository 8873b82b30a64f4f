"""A label goes in, a word of ours comes out: 待发货, `WAIT_SELLER_SEND_GOODS` and `paid` all say awaiting-shipment of an order."""

from __future__ import annotations

import re

from makewhole.attach import vocabulary

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ORDER = (
    # The first that fits wins: what is more particular stands above.
    (
        "?",
        (
            r"^(checkout|cart)\b|^checkout|未完成|申请取消|取消中|取消申请|incomplete|not[ _-]?complete|"
            r"cancel\w*[ _-]?(request|pend|appl)|(request|pend)\w*[ _-]?cancel"
        ),
    ),
    (
        "?",
        (
            r"^退款$|^退货$|部分退款|部分退货|partial(ly)?[ _-]?refund|退款失败|退款拒绝|拒绝退款|退款关闭|refund[ _]?(fail|reject|"
            r"refus|clos)|已拆分|已合并|冻结|"
            r"frozen|on[ _-]?hold|risk|审核|审批|定金|拼团(?!成功|失败)|待成团|已删除|^deleted?$"
        ),
    ),
    (
        "refunded",
        (
            r"已退款|退款成功|退款完成|退款完毕|已退货|退货完成|退货成功|全额退款|已全额退|退货退款完成|退款已完成|"
            r"已退单|(^|[ _-])refund(ed)?$|refund[ _]?(success|succeed|"
            r"done|complete|finish)|fully[ _]?refunded|returned|money[ _]?back"
        ),
    ),
    (
        "refunding",
        (
            r"退款中|申请退|退款申请|退货中|退款处理|待退款|售后中|售后处理|退货申请|退款审|正在退款|维权|refunding|"
            r"refund[ _-]?(pend|process|apply|appl|"
            r"request|ing|wait|audit)|(apply|request|wait|pend\w*|to)[ _-]?refund|return[ _]?(request|pend|process)|"
            r"after[ _-]?sale"
        ),
    ),
    (
        "partly-shipped",
        r"部分发货|部分出库|部分配送|partial(ly)?[ _-]?(ship|deliver|sent|send|consign|fulfil)|consigned[ _]?part|part(ly)?[ _-]?ship",
    ),
    ("invalid", r"无效|作废|失效订单|异常|invalid|abnormal|^void|error"),
    ("closed", r"(超时|逾期|过期)(未支付|未付)|未(支付|付款).{0,10}(取消|关闭)"),
    ("shipped", r"发货.{0,6}未(确认|收货|签收)"),
    (
        "awaiting-payment",
        (
            r"待付|待支付|未付|未支付|等待付|等待买家付|等待支付|待买家付|付款中|支付中|待缴费|待结账|待结算|"
            r"un[ _-]?paid|not[ _-]?paid|no[nt]?[ _-]?pay|"
            r"wait\w*[ _-]?(for[ _-]?)?(buyer[ _-]?)?pay|(pend\w*|await\w*|to)[ _-]?pay|pay\w*[ _-]?(pend|wait|due)|"
            r"^topay|to be paid|^paying|arranging[ _-]?pay"
        ),
    ),
    (
        "closed",
        (
            r"关闭|取消|超时|过期|已失效|撤销|撤单|拒单|拒绝接单|支付失败|付款失败|流团|close|cancel|cancle|expire|"
            r"time[ _-]?out|timeout|overdue|"
            r"reject|declin|pay\w*[ _-]?fail|^fail|abort|terminat|^dead"
        ),
    ),
    (
        "awaiting-shipment",
        (
            r"(to[ _-]?be|wait|await|pend|not|un|ready)\w*[ _-]?(seller[ _-]?)?(for[ _-]?|to[ _-]?)?"
            r"(ship|sen[dt]|deliver|dispatch|consign|fulfil)"
        ),
    ),
    (
        "shipped",
        (
            r"待收货|待签收|待确认收货|未收货|收货中|"
            r"(to|wait|await|pend|not)\w*[ _-]?(be[ _-]?|for[ _-]?|buyer[ _-]?)*(receiv|receipt|sign)"
        ),
    ),
    ("shipped", r"(出库|发货|配送)(成功|完成)"),
    ("awaiting-shipment", r"待(发货|出库|配送)$"),
    ("awaiting-shipment", r"(支付|付款|缴费|配货|备货|拣货|打包)(成功|完成)|配货|备货|拣货|打包|pay[ _-]?(success|ok|done)"),
    ("closed", r"^(交易)?失败$"),
    (
        "completed",
        (
            r"完成|成功(?!付|支)|已收货|(用户|系统|买家|自动)收货|已签收|确认收货|待评价|已评价|已评论|待评论|已送达|已结束|完结|交易结束|归档|"
            r"已核销|已使用|已取货|已提货|complet|finish|success|"
            r"done|deliver(ed|y[ _]?complete)|received|signed|confirm[ _-]?receipt|buyer[ _]?signed|comment|reviewed|"
            r"(to|wait\w*|pend\w*)[ _-]?(be[ _-]?)?review|archiv|closed[ _]?success|fulfilled|picked[ _-]?up"
        ),
    ),
    (
        "shipped",
        (
            r"已发货|待收货|配送中|运输中|派送中|已出库|已发出|已配送|已寄出|待签收|待确认收货|在途|发货完成|收货中|"
            r"送货中|待取货|待提货|shipped|shipping|ship[ _]?out|"
            r"deliver(ing|y)|in[ _-]?transit|transit|dispatch|sent|(wait|to|pend|"
            r"await)\w*[ _-]?(buyer[ _-]?)?(for[ _-]?)?(receiv|confirm|receipt|sign)|on[ _-]?the[ _-]?way|consigned|"
            r"out[ _-]?for"
        ),
    ),
    (
        "awaiting-shipment",
        (
            r"待发货|已付款|已支付|未发货|待出库|备货|待配送|支付成功|付款成功|配货|拣货|出库中|打包|已付|待备货|"
            r"待派送|待接单|已接单|处理中|等待发货|待卖家发货|待处理|生产中|制作中|待使用|"
            r"待核销|paid|pay(ment)?[ _-](settled|captured|authori[sz]ed|received|accepted)|"
            r"(wait|to|pend|await)\w*[ _-]?(seller[ _-]?)?(for[ _-]?)?(ship|send|deliver|consign|dispatch|"
            r"fulfil)|un[ _-]?ship|not[ _-]?ship|process(ing|ed)|prepar|pay[ _-]?(success|ok|done)|payed|picking|pack|"
            r"in[ _-]?progress|ready|unfulfilled|seller[ _]send"
        ),
    ),
    (
        "awaiting-payment",
        (
            r"新建|新订单|已下单|下单|创建|生成|初始|已提交|待确认|未确认|^new\b|^created?\b|^init|^pending$|^placed|^submitted|^open$|"
            r"^unconfirmed|^draft"
        ),
    ),
    ("awaiting-shipment", r"已确认|^confirmed|accept|^处理"),
)
_REFUND = (
    ("none", r"^可|^无|^未申请|^未退|^正常|^没有|^默认|不退|^no(ne|t)?\b|^normal|^default|^未售后|^未发生|无退款|无售后|^can(?!cel)"),
    ("partial", r"部分|partial"),
    ("abnormal", r"异常|abnormal|error|exception"),
    ("closed", r"不同意|未同意|拒|关闭|取消|撤销|驳回|不通过|未通过|reject|refus|close|cancel|den(y|ied)|revok|withdraw|decline|失败|fail"),
    (
        "done",
        r"已退款|退款成功|成功|(?<!未)完成|已退(?!货中)|已到账|已打款|退款完|同意退款$|全额|全部退|done|^succ|success|succeed|complete|finish|refunded|^paid",
    ),
    (
        "requested",
        (
            r"(等待|待)(商家|卖家|平台|客服|审核员|管理员)?(审核|同意|审批|处理|确认$)|"
            r"wait\w*[ _-]?(for[ _-]?)?(seller[ _-]?)?(agree|audit|approv|review)"
        ),
    ),
    (
        "processing",
        r"wait\w*[ _-]?(for[ _-]?)?(buyer|seller)[ _-]?(return|confirm|receiv|refund)",
    ),
    (
        "processing",
        (
            r"退款中|处理中|进行中|在处理|正在|退货中|同意|通过|待退款|打款中|待打款|退款处理|已审核|待退货|待收货|待商家收货|审核成功|"
            r"审核通过|^pass|process|agree|approv|refunding|"
            r"in[ _-]?progress|^progress|accept|^ing|audited|wait\w*[ _-]?(refund|return|receiv)|confirmed"
        ),
    ),
    (
        "requested",
        (
            r"申请|待审核|待处理|待确认|新建|审核中|提交|待商家|未处理|初始|request|apply|applied|pend|wait|new|creat|^ready|"
            r"submit|init|audit|open|review"
        ),
    ),
)
_COUPON = (
    (
        "unused",
        (
            r"未使用|未用|可用|待使用|正常|有效|已领取|un[ _-]?used|available|usable|normal|active|valid(?!ated)|^new|"
            r"received|not[ _-]?used|^no"
        ),
    ),
    ("expired", r"过期|失效|作废|超时|expire|invalid|overdue|void"),
    ("used", r"已使用|已用|已核销|使用|used|consumed|redeemed|^use"),
)
_ATTEMPT = (
    ("refund", r"退款|refund"),
    ("failed", r"失败|异常|fail|error|declin"),
    ("closed", r"关闭|取消|过期|超时|撤销|close|cancel|expire|timeout|revok"),
    ("paying", r"支付中|付款中|处理中|进行中|paying|in[ _-]?progress|processing|userpaying"),
    (
        "unpaid",
        (
            r"未支付|未付|待支付|待付|生成|初始|新建|创建|等待|un[ _-]?paid|not[ _-]?(pa|charg|captur)|no[ _-]?pay|wait|pend|init|"
            r"creat|new|^ready"
        ),
    ),
    ("paid", r"成功|已支付|已付|完成|支付|paid|captured|charged|settled|succ|done|finish|complete|payed"),
)
_PAY = (
    ("refunded", r"部分退|partial"),
    ("ended", r"^void|cancel|expire|关闭|取消|超时|作废"),
    (
        "unpaid",
        r"^require|未|待|中|没|失败|否|(?<![a-z])un|not|no\b|wait|pend|ing\b|fail|init|new|clos|cancel|void|[ _-]due$|关闭|取消|超时",
    ),
    ("refunded_", r"退款|退|refund"),
    ("paid", r"已|成功|完成|是|paid|payed|captured|charged|success|succeed|yes|done|complete|finish|^支付$|^付款$"),
)
_SHIP = (
    ("shipped", r"待(收货|签收|确认)"),
    ("partial", r"部分|partial|part\b"),
    (
        "unshipped",
        r"未|待发|备货|配货|待出库|无需|(?<![a-z])un|not|wait\w*[ _]?(ship|send|deliver)|pend|no\b|none|prepar|^待配送|init|new|ready",
    ),
    ("received", r"收货(?!中)|签收|送达|完成|收到|received|delivered|signed|complet|finish|confirm|arriv"),
    ("shipped", r"已发|发货|配送|运输|在途|出库|待收货|已配送|shipped|shipping|sent|deliver|transit|dispatch|yes|consign"),
)
_ARRIVAL = (
    ("waiting", r"未|待|没|否|不|中$|(?<![a-z])un|not|no\b|wait|pend"),
    ("received", r"收|签|达|完成|确认|结束|已|是|receiv|deliver|signed|complet|finish|confirm|arriv|done|success|yes"),
)
_CHANNELS = (
    ("wechatpay", r"微信|wechat|weixin|wx|jsapi"),
    ("alipay", r"支付宝|alipay|ali\b|zfb|zhifubao|^ali"),
    ("douyinpay", r"抖音支付|抖音月付|dou[ _-]?yin|dypay|doupay"),
    ("unionpay", r"银联|云闪付|union|yinlian"),
    ("balance", r"余额|钱包|储值|balance|wallet|yue\b"),
    ("cash-on-delivery", r"货到付款|cod\b|cash[ _-]?on"),
    ("cash", r"现金|cash"),
    ("offline", r"线下|offline|转账|对公|transfer"),
    ("bank-card", r"银行卡|网银|信用卡|刷卡|bank|card|快捷"),
    ("points", r"积分|points?"),
    ("paypal", r"paypal"),
    ("stripe", r"stripe"),
    ("apple-pay", r"apple"),
    ("", r"未支付|未付|未选择|无$|^无|^none|unpaid|^no\b|^null|未知|默认|not[ _]paid"),
)
_OTHER_PAPER = re.compile(
    r"采购|进货|调拨|报价|退货单|销售退|purchase[ _-]?(order|invoice)|procure|(sales?|order)[ _-]?return|return[ _-]?order|"
    r"quot(e|ation)\b|transfer",
    re.IGNORECASE,
)
_KINDS = (
    ("virtual", r"虚拟|电子卡|卡密|virtual|digital|充值"),
    ("fresh", r"生鲜|fresh|鲜花|蛋糕"),
    ("presale", r"预售|预订|pre[ _-]?sale|preorder|pre-order|定金"),
)


def _first(table: tuple[tuple[str, str], ...], label: str) -> str | None:
    told = _CAMEL.sub(" ", label.translate(vocabulary.OLD_SCRIPT).strip())
    return next((word for word, shape in table if re.search(shape, told, re.IGNORECASE)), None)


def order_state(label: str) -> str | None:
    """Our word for an order's state; None where the label says none of them. What stands in brackets only explains the rest."""
    found = _first(_ORDER, re.split(r"[（(]", label)[0]) or _first(_ORDER, label)
    return None if found == "?" else found


def succeeded(label: str) -> bool:
    """Whether a label only says that something went well: the order, or no more than its payment."""
    return bool(
        re.fullmatch(
            r"(?:(?:trade|order|交易|订单)?[ _-]?success(?:ful)?|(?:交易|订单)?成功)", re.sub(r"[（(].*", "", label.strip()), re.IGNORECASE
        )
    )


def speaks_of_pay(label: str) -> bool:
    """Whether a label speaks of paying itself, and not only of an order that is new."""
    return any(word in label.lower() for word in ("付", "缴", "pay", "paid"))


def handed_over(label: str) -> bool:
    """Whether a label may mean that the goods were handed to the carrier as well as to the buyer: `delivered`."""
    return "deliver" in label.lower()


def refund_state(label: str) -> str | None:
    """Our word for a refund's state, or `none` or `partial` of an order's refund column."""
    return _first(_REFUND, label)


def coupon_state(label: str) -> str | None:
    """Our word for a coupon's state."""
    return _first(_COUPON, label)


def attempt_state(label: str) -> str | None:
    """Our word for an attempt's state."""
    return _first(_ATTEMPT, label)


def pay_state(label: str) -> str | None:
    """Of a column that only tells whether the order is paid: paid, unpaid, refunded."""
    found = _first(_PAY, label)
    return {"refunded": "paid", "refunded_": "refunded"}.get(found or "", found)


def ship_state(label: str) -> str | None:
    """Of a column that only tells where the goods are: unshipped, partial, shipped, received."""
    return _first(_SHIP, label)


def arrival(label: str) -> str | None:
    """Of a column that only tells whether the buyer has the goods: waiting, received."""
    return _first(_ARRIVAL, label)


def channel(label: str) -> str | None:
    """The channel's name; empty where the label says that there is none; None where it is not known."""
    return _first(_CHANNELS, label)


def deleted(label: str) -> bool:
    """Whether a label of a column for deletion says that the row is deleted."""
    told = label.translate(vocabulary.OLD_SCRIPT).lower()
    return bool(re.search(r"删除|delet|remov|^是$|^yes$", told)) and not re.search(r"未|没|否|不|not|un|no\b|正常", told)


def kind(label: str) -> str | None:
    """The kind of goods, where it is not the normal one."""
    return _first(_KINDS, label)


def other_paper(label: str) -> bool:
    """Whether a kind of rows is no sale: a purchase, a return, an offer."""
    return bool(_OTHER_PAPER.search(label.translate(vocabulary.OLD_SCRIPT)))
