"""The words that shops call their columns by: English with its abbreviations, Chinese, pinyin and pinyin's initials, idea by idea."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str, str, str]] = {
    # idea: (English, Chinese, pinyin, pinyin's initials), each parted by spaces
    "order": ("order orders ord odr oder ordered so purchase", "订单 订购 单据", "dingdan", "dd ddh"),
    "procure": ("purchaseorder procurement procure restock replenish", "", "", ""),
    "supply": ("", "采购 进货 补货", "caigou jinhuo", ""),
    "attribute": ("attribute attributes attr attrs property properties", "属性", "", ""),
    "trade": ("trade trades deal tid", "交易", "jiaoyi", "jy"),
    "number": (
        "number ref reference no sn nbr numb serial code uuid cd",
        "编号 单号 号码 编码 序列号 序号 号 码",
        "bianhao danhao haoma hao",
        "bh dh ddh",
    ),
    "slip": ("", "单号", "danhao", ""),
    "num": ("num", "", "", ""),
    "id": ("id ids pk ident identifier tid", "标识 主键", "biaoshi", ""),
    "state": ("state status stat sts stts phase", "状态 状況", "zhuangtai", "zt"),
    "flag": (
        "is has flag flg whether yn",
        "是否",
        "shifou",
        "sf",
    ),
    "type": ("type kind category class", "类型 类别 种类", "leixing", "lx"),
    "mode": ("model pattern", "模式", "moshi", ""),
    "method": (
        "method way mode means by mth mthd tool",
        "方式 方法",
        "fangshi",
        "fs",
    ),
    "channel": (
        "channel platform gateway provider chnl chn",
        "渠道 通道 平台",
        "qudao",
        "qd",
    ),
    "amount": (
        "amount amt money price fee cost value sum revenue payment fen cents cent yuan amout moneys prc",
        "金额 价格 总价 总额 款项 费用 价钱 价 钱 款 额 费",
        "jine jiage zongjia zonge feiyong",
        "je zje",
    ),
    "cost": ("costprice costamount costmoney costfee", "成本", "chengben", ""),
    "price": (
        "price prc",
        "价格 单价 价 售价",
        "jiage danjia",
        "dj",
    ),
    "unit": ("unit single each", "单价 单件", "danjia", "dj"),
    "subtotal": ("subtotal line row", "小计", "xiaoji", "xj"),
    "total": (
        "total totals grand all gross overall tot",
        "总 合计 总计 总共",
        "zong heji",
        "zj zje",
    ),
    "due": ("due payable topay need should", "应付 应收 需付 需支付 应支付 待付金额", "yingfu yingshou", "yf"),
    "actual": ("actual real final", "实付 实际支付 实际付款 实际 实支付 实际应付", "shifu shiji", "sf"),
    "paid": ("paid payed settled captured charged", "已付 已支付 实收 到账 已收 收款 支付成功", "yifu shishou", "ss"),
    "pay": ("pay payment pmt payments paying financial pymt checkout zf", "支付 付款 缴费 付费 结账 结帐", "zhifu fukuan", "zf fk"),
    "time": ("time at date datetime ts tm dt timestamp day on when", "时间 日期 时刻 时间戳 年月日", "shijian riqi", "sj rq"),
    "create": (
        "create created creation crt cre add added insert inserted ctime addtime createtime createdat reg rgst registered",
        "创建 生成 新建 添加 录入 建立",
        "chuangjian shengcheng tianjia",
        "cj",
    ),
    "place": (
        "place placed purchased ordered_at submit submitted order_date buy bought booked",
        "下单 提交 购买 订购时间 拍下",
        "xiadan tijiao goumai",
        "xd",
    ),
    "update": (
        "update updated upd modify modified modification change changed mtime utime edit write written mod uptime",
        "更新 修改 变更 改动",
        "gengxin xiugai",
        "gx xg",
    ),
    "ship": (
        (
            "ship shipped shipping shipment deliver delivery send sent consign consigned dispatch dispatched shp despatch "
            "fulfil fulfilled fulfillment outbound dlv dlvr dlvy dispatching"
        ),
        "发货 配送 寄出 出库 寄件 派送 送货",
        "fahuo peisong",
        "fh",
    ),
    "expect": (
        (
            "expect expected estimate estimated eta plan planned scheduled require required req promise promised appoint "
            "appointment commitment"
        ),
        "期望 预计 预约 要求 承诺 计划 约定",
        "yuji yuyue",
        "",
    ),
    "receive": (
        "receive received receipt rcv recv confirm confirmed sign signed delivered arrive arrived reach reached take",
        "收货 签收 确认收货 确认 送达 收到",
        "shouhuo qianshou queren",
        "sh",
    ),
    "finish": (
        ("finish finished complete completed completion end ended done success succeeded successful over fulfilled_at cmpl cmplt"),
        "完成 成交 完结 结束 成功 办结",
        "wancheng jieshu chenggong",
        "wc",
    ),
    "close": ("close closed closing", "关闭", "guanbi", "gb"),
    "cancel": (
        "cancel canceled cancelled cancellation cancle cancellaction void cncl cnl",
        "取消 撤销",
        "quxiao",
        "qx",
    ),
    "expire": (
        "expire expired expires expiry expiration timeout deadline overdue limit before due_at",
        "过期 失效 超时 截止 到期 有效期 支付截止 最晚 最后支付",
        "guoqi chaoshi jiezhi shixiao",
        "gq cs",
    ),
    "refund": (
        "refund refunds refunded refunding rfd chargeback rfnd moneyback",
        "退款 退费",
        "tuikuan",
        "tk",
    ),
    "return": (
        "return returns returned aftersale aftersales aftermarket after_sale rma ret rtn",
        "退货 售后 退换 退单",
        "tuihuo shouhou",
        "th",
    ),
    "apply": (
        "apply applied application request requested ask asked initiate req appl asked",
        "申请 发起 请求",
        "shenqing",
        "sq",
    ),
    "handle": (
        "handle handled audit audited review approve approved check process processed examine aprv appr",
        "审核 处理 审批",
        "shenhe chuli",
        "cl",
    ),
    "transaction": (
        "transaction txn trx trans transactionid",
        "流水 交易流水",
        "liushui",
        "ls lsh",
    ),
    "out": ("out merchant outer mch", "商户 外部", "shanghu waibu", ""),
    "third": (
        "third thirdparty psp acquirer external ext wechat weixin wx alipay upstream bank prepay",
        "第三方 三方 微信 支付宝 银行",
        "weixin zhifubao disanfang",
        "wx zfb",
    ),
    "carrier": ("carrier courier express logistics logistic logi shipper exp kd", "快递 物流 承运 快运", "kuaidi wuliu", "kd wl"),
    "company": ("company corp corporation vendor comp com firm co", "公司 承运商 物流商 快递商", "gongsi", "gs"),
    "tracking": (
        "tracking waybill track awb parcel package airway parcels",
        "运单 包裹 追踪 跟踪",
        "yundan baoguo",
        "yd",
    ),
    "phone": ("phone mobile tel telephone cellphone cell contact", "手机 电话 联系方式 联系电话", "shouji dianhua lianxi", "sj dh"),
    "receiver": ("receiver consignee recipient recipients addressee rec shr", "收货人 收件人 收货方", "shouhuoren shoujianren", "shr sjr"),
    "buyer": (
        ("user buyer partner member customer uid userid cust mbr usr client account openid memberid consumer purchaser shopper mid usr"),
        "用户 会员 买家 客户 顾客 下单人 购买人 买方 消费者",
        "yonghu huiyuan maijia kehu",
        "yh hy mj kh",
    ),
    "seller": (
        "seller supplier distributor agent promoter inviter invite spread share shared sharer referrer referral introducer salesman rider",
        "卖家 供应商 分销 推广 推荐 邀请 分享 代理 骑手",
        "maijia_ gongyingshang",
        "",
    ),
    "nick": ("nick", "昵称", "", ""),
    "name": (
        "name title username nickname firstname lastname fullname realname surname nm",
        "名称 姓名 名字 名 抬头",
        "mingcheng xingming",
        "mc xm",
    ),
    "coupon": (
        "coupon coupons voucher couponid cpn",
        "优惠券 代金券 卡券 红包 券",
        "youhuiquan quan",
        "yhq",
    ),
    "discount": (
        (
            "discount promotion promo reduce reduction deduct deduction rebate preferential favorable activity off concession "
            "dscnt dsct rebate"
        ),
        "优惠 折扣 减免 抵扣 立减 满减 促销 折让 让利 活动",
        "youhui zhekou",
        "yh zk",
    ),
    "point": ("point points integral integration score credit bonus growth", "积分 成长值 经验", "jifen", "jf"),
    "freight": ("freight postage post carriage shipping_fee transport", "运费 邮费 配送费 快递费", "yunfei youfei", "yf"),
    "net": ("net untaxed", "净额 不含税 未税", "", ""),
    "tax": ("tax vat duty", "税", "shui", ""),
    "commission": ("commission brokerage rate ratio percent percentage profit", "佣金 手续费 费率 提成 比例 利润", "yongjin", ""),
    "settle": ("settle settlement clearing division reconcile reconciliation", "结算 清算 对账 分账", "jiesuan duizhang", "js"),
    "invoice": ("invoice invoiced receipt_type fapiao", "发票 开票 收票人 收票", "fapiao", "fp"),
    "bill": ("bill bills", "账单", "zhangdan", ""),
    "delete": ("delete deleted del dele remove removed removal trash trashed recycled", "删除", "shanchu", "sc"),
    "hide": ("hide hidden visible show display", "隐藏 显示", "xianshi", ""),
    "tenant": ("tenant tenants org organization corpid site website", "租户 机构 组织 站点", "zuhu jigou", "zh"),
    "shop": ("shop store mall merchantid mer mchid branch outlet", "店铺 门店 商家 商铺 店", "dianpu mendian", "dp md"),
    "pickup": (
        "pickup selffetch selfpick lading",
        "自提 提货 取货 核销",
        "ziti tihuo",
        "",
    ),
    "presale": ("presale presell preorder deposit prepaid", "预售 定金 订金 尾款 预订", "yushou dingjin", ""),
    "adjust": ("adjust adjustment adjustments adjusted surcharge", "调价 调整 改价 加价", "tiaojia gaijia", ""),
    "version": ("version ver revision rev optimistic", "版本 乐观锁", "banben", "bb"),
    "goods": (
        (
            "goods product products good commodity spu prod pdt prd article merchandise ware wares food foods dish dishes "
            "meal meals course courses gds"
        ),
        "商品 产品 货品 物品 货物 餐品 菜品 课程",
        "shangpin chanpin huopin",
        "sp cp",
    ),
    "sku": (
        "sku skus variant spec specification skuid",
        "规格 单品",
        "guige",
        "gg",
    ),
    "item": (
        "item items detail details line lines entry entries position dtl dtls",
        "明细 详情 项目 行 项 子项",
        "mingxi xiangqing",
        "mx xq",
    ),
    "quantity": ("quantity qty count cnt amount_of pieces pcs", "数量 件数 个数 购买数 份数", "shuliang jianshu", "sl"),
    "stock": (
        "stock stocks onhand instock inventory inv storage warehouse stk",
        "库存 仓库",
        "kucun cangku",
        "kc",
    ),
    "lock": (
        "lock locked frozen freeze reserve reserved onhold occupy occupied hold held allocated preempt pre rsv rsvd",
        "锁定 冻结 占用 预占 锁",
        "suoding dongjie zhanyong",
        "sd",
    ),
    "available": (
        "available avail usable free saleable sellable remain remaining left residue on_sale surplus usable_qty",
        "可用 可售 剩余 现有 余量",
        "keyong keshou shengyu",
        "ky ks",
    ),
    "sold": ("sold sale sales used use using consumed", "已售 销量 已用 售出 使用", "yishou xiaoliang", ""),
    "warn": ("warn warning low alarm alert threshold min minimum safe", "预警 安全 最低", "yujing", ""),
    "history": (
        "history log logs activity trace record records journal timeline flow track_log event events action hst",
        "日志 历史 记录 轨迹 流程 跟踪记录",
        "rizhi jilu lishi guiji",
        "rz jl",
    ),
    "operate": ("operate operation operated oper op opt act", "操作", "caozuo", "cz"),
    "who": (
        "operator actor creator author editor handler staff admin operatorname person man manager worker by who",
        "操作人 操作员 操作者 经办人 创建人 创建者 处理人 处理人员 员工 管理员",
        "caozuoren caozuoyuan chuangjianren",
        "czr",
    ),
    "old": (
        "from before pre previous prev old undiscounted origin original src source prior last",
        "变更前 前 原 旧 原始 之前 来源",
        "yuan_ yuanzhuangtai qian jiu",
        "",
    ),
    "new": ("to after new current target next cur post now", "变更后 后 新 当前 目标 之后", "hou xin", ""),
    "note": (
        "note remark memo message msg comment_text description desc reason content explain",
        "备注 说明 描述 留言 原因 内容 附言",
        "beizhu shuoming",
        "bz",
    ),
    "comment": ("comment evaluate evaluation rate review_time appraise", "评价 评论", "pingjia", "pj"),
    "address": (
        "address addr province city district region street area zone country zip postcode post_code lat lng longitude latitude",
        "地址 省 市 区 邮编 街道",
        "dizhi",
        "dz",
    ),
    "notify": ("notify notification notice callback callbacks async", "通知 回调 异步", "tongzhi huidiao", ""),
    "remind": ("remind reminder urge", "提醒 催", "tixing", ""),
    "sub": ("sub child children split", "子 拆分", "zi", ""),
    "parent": ("parent main master pid group combine combined root unite", "父 主 合并 上级", "fu zhu", ""),
    "cart": ("cart carts basket shopcart shoppingcart trolley", "购物车", "gouwuche", "gwc"),
    "setting": (
        "setting settings config configuration template dict dictionary param params rule rules option options enum enums",
        "设置 配置 模板 字典 规则",
        "shezhi peizhi zidian",
        "",
    ),
    "relation": ("relation rel map mapping link bind", "关联 关系 绑定", "guanlian", "gl"),
    "bak": ("bak backup tmp temp copy archive test snapshot", "备份 临时 快照 归档", "beifen linshi", ""),
    "stat_": ("statistics statistic stats summary daily report", "统计 报表 汇总", "tongji", "tj"),
    "balance": (
        "balance accountlog accountlogs wallet recharge topup withdraw withdrawal account_flow",
        "余额 充值 提现 钱包 账户 资金",
        "yue chongzhi tixian",
        "",
    ),
    "transfer": ("transfer remit payout payouts disbursement", "转账 代付 打款", "zhuanzhang", ""),
    "virtual": ("virtual digital", "虚拟", "xuni", ""),
    "ip": ("ip", "", "", ""),
    "source": ("source origin_from terminal device client_type entry_type", "来源 终端", "laiyuan", "ly"),
    "weight": ("weight volume length width height", "重量 体积 长度 宽度 高度", "zhongliang", ""),
    "currency": ("currency ccy rate_exchange", "币种 货币", "bizhong", ""),
    "attempt": ("attempt attempts try tries", "尝试", "", ""),
    "begin": ("begin start started", "开始 起始", "kaishi", ""),
    "auto": ("auto automatic", "自动", "zidong", ""),
    "email": ("email mail", "邮箱 邮件", "youxiang", ""),
    "image": ("image img pic picture photo url", "图片 图", "tupian", ""),
    "password": ("password pwd passwd token secret verify", "密码 核销 提货码", "mima", ""),
    "info": (
        (
            "info incltax excltax taxincl taxexcl withtax withouttax gmt utc doc document last latest infos information data base "
            "main_info tbl table t tb f c col fld ec sys"
        ),
        "信息 资料 数据 表 的",
        "xinxi biao",
        "xx",
    ),
}
"""One idea may have several words, and one word several ideas: `payment` is an amount in one shop and a word for paying in the next."""

OLD_SCRIPT = str.maketrans(
    "訂單狀態編號時間創發貨關閉過退類總額價實應運費優惠會員買電話機數庫鎖變後記錄歷軌備註稱係規則審處請帳戶無雙儲門構組織屬險達館壓號銷減積層業務務選項詳細簽確認讓劵",
    "订单状态编号时间创发货关闭过退类总额价实应运费优惠会员买电话机数库锁变后记录历轨备注称系规则审处请账户无双储门构组织属险达馆压号销减积层业务务选项详细签确认让券",
)
"""Traditional characters of the words above, as simplified ones."""
