"""What each of our fields is called in shops, as text: its shapes, the ideas that must be there with a weight, those that must not.

A field stands at the beginning of a line. `says` lists alternatives parted by `|`; `never` are ideas that forbid it, `beside` are ideas
that cost nothing. TIME and MONEY stand for what never belongs to any instant, or to any amount, of ours. Ideas are those of `vocabulary`.
"""

from __future__ import annotations

TIME = "expect notify remind comment settle invoice bill presale coupon point seller sku goods"
MONEY = """net cost flag point commission tax settle invoice bill presale adjust freight discount coupon refund return unit weight num
 quantity seller type state
 balance number currency stock goods"""
FIELDS = """\
order.number
  shape document key
  says order number .95 | order num .8 | trade number .82 | order trade number .9 | number .78 | order sub number .7 | out trade
    number .8 | order id .62 | trade id .6 | out order number .75 | order transaction number .85
  never carrier tracking refund return ship pay coupon invoice phone password parent goods sku third old new settle address buyer
    tenant shop version type method source ip
  beside buyer info
order.buyer
  shape key document text
  says buyer id .95 | buyer .85 | buyer number .85 | buyer nick .84
  never name phone address note coupon level type email state pay time comment image ip seller flag delete amount point num
  beside order place
order.amount_due
  shape amount
  says due amount .95 | due total .93 | due total amount .94 | actual total .93 | actual total amount .94 | due .8 | actual amount
    .9 | actual pay amount .93 | pay amount .9 | actual .8 | order amount .82 | total amount .8 | order total amount .84 | trade
    amount .78 | total pay amount .9 | amount .74 | order total .8 | total .7 | trade total .74 | due pay amount .95 | due order
    amount .93 | actual order amount .9 | pay order amount .9 | pay .74
  never MONEY time ship carrier
  beside order trade
order.amount_paid
  shape amount
  says paid amount .93 | paid .85 | actual paid amount .93 | pay paid amount .93 | actual amount .7 | actual pay amount .7 | pay
    amount .6 | receive amount .8 | actual receive amount .85
  never MONEY time ship carrier
  beside order trade
order.created_at
  shape instant
  says time .62 | create time .9 | place time .95 | order time .85 | create .85 | place .85 | order create time .95 | order place
    time .95 | trade create time .9
  never update delete pay ship receive finish close cancel expire refund return TIME
  beside order trade buyer by
order.paid_at
  shape instant
  says pay time .95 | paid time .95 | paid .8 | pay .85 | pay finish time .95 | paid finish time .9 | pay receive time .82
  never update expire refund return create ship receive close cancel limit TIME
  beside order trade buyer actual third
order.shipped_at
  shape instant
  says ship time .95 | ship .85 | carrier time .75 | ship out time .9
  never update expire refund return create close cancel receive finish pay old TIME
  beside order seller goods item
order.completed_at
  shape instant
  says finish time .92 | finish .82 | receive time .88 | receive .78 | finish receive time .92 | trade finish time .92 | order
    finish time .95 | finish success time .9
  never update expire refund return create close cancel pay auto TIME
  beside order trade buyer ship goods
order.closed_at
  shape instant
  says close time .95 | cancel time .92 | close .85 | cancel .82 | close cancel time .93
  never update expire create refund return pay ship receive auto TIME
  beside order trade buyer
order.expires_at
  shape instant
  says expire time .95 | expire .82 | expire pay time .95 | expire close time .9 | expire cancel time .9 | auto close time .8 |
    pay due time .9 | due time .75 | auto
    cancel time .8
  never create refund return ship receive update TIME
  beside order trade buyer auto
order.channel
  shape code text
  says pay method .95 | pay channel .95 | pay type .93 | pay id .55 | pay name .7 | channel .6 | method .5 | pay .7 | pay number .7
    | pay channel number .85 | pay method number .85 | pay method channel .9 | pay method name .8
  never state amount time note coupon carrier ship refund source image password flag invoice bill presale point transaction address
  beside order third buyer
order.transaction_id
  shape document text
  says transaction id .95 | transaction number .93 | third number .85 | third trade number .93 | third order number .9 | trade
    number .86 | third transaction number .95 | third transaction id .95 | pay number .86 | pay transaction number .95 | pay trade
    number .93 | pay transaction .85 | transaction .85 | third pay number .93 | trade transaction number .93 | third pay id .9 | pay
    id .6 | third trade id .9 | channel number .72 | channel trade number .92 | channel order number .9 | pay order number .5 |
    third id .6 | pay order id .35 | channel pay id .93 | third channel id .8
  never order carrier refund return coupon invoice bill presale out parent sub buyer time amount tracking
  beside info pay channel
order.carrier
  shape text code
  says carrier company .95 | carrier name .92 | carrier .8 | ship company .93 | ship name .62 | carrier company name .95 | carrier
    company number .88 | carrier number .6 | ship company name .93 | carrier type .75 | carrier id .6 | ship company number .86 |
    tracking company .9 | tracking company name .9
  never amount freight time state phone address receiver note person who buyer flag template setting method type shop pickup slip
  beside order info
order.tracking_number
  shape document text
  says tracking number .95 | carrier number .9 | ship number .9 | tracking .85 | tracking id .85 | carrier id .55 | ship id .5 |
        carrier tracking number .95 | ship tracking number .95 | carrier company slip .93 | ship company slip .9 | carrier order number
    .9 | ship order number .9
  never company name phone time amount state type freight method receiver address pay
  beside info
order.receiver_phone
  shape text document
  says receiver phone .95 | phone .8 | receiver address phone .9 | buyer phone .78 | ship phone .85 | order phone .8
  never name seller carrier invoice email time id shop pickup
  beside order info receive address num number
order.coupon
  shape key document text code
  says coupon id .93 | coupon number .92 | coupon .72 | buyer coupon id .95 | coupon item id .9
  never amount discount name type state time flag activity quantity note
  beside buyer order sub use sold
order.deleted
  shape code instant
  says delete .9 | delete flag .95 | delete state .93 | delete time .85
  never auto note reason
  beside order buyer
order.tenant
  shape key code text document
  says tenant id .95 | tenant .85 | shop id .86 | tenant number .93 | shop number .82 | out id .8 | out number .55 | seller id .7
  never name pay buyer goods phone type trade order note ship pickup receive carrier sub
  beside info seller
order.version
  shape count instant
  says version .82 | update time .9 | update .8
  never pay ship state receive address amount who
  beside order version lock number num
item.sku
  shape key document text
  says item number .82 | sku id .95 | sku .85 | sku number .93 | goods sku id .95 | goods sku number .95 | goods sku .85 | goods id
    .8 | goods number .82 | goods .6 | item id .4
  never name amount image type brand parent state quantity
  beside item
item.quantity
  shape count
  says quantity .93 | goods number .82 | number .7 | num .9 | goods quantity .95 | goods num .93 | item quantity .9 | place quantity
    .9 | amount .5 | total .5 | total quantity .8
  never refund return ship stock discount point time invoice cancel flag
  beside goods sku order item place
item.amount
  shape amount
  says subtotal .92 | subtotal amount .95 | total amount .9 | actual amount .8 | amount .82 | pay amount .85 | goods total amount .9
    | item amount .86 | due amount .85 | goods amount .72 | item total amount .93 | item total .88 | actual pay amount .88 | order
    amount .7 | total .84 | goods subtotal amount .93 | unit price amount .7 | price amount .7 | goods price amount .7
  never discount coupon point refund return cost freight ship adjust commission tax num quantity weight old
  beside goods sku order item sold
payment.number
  shape document
  says out trade number .95 | pay number .9 | pay order number .92 | out number .85 | out order number .85 | number .72 | pay
    transaction number .82 | transaction number .68 | pay id .55 | trade number .7 | pay trade number .8 | transaction .5
  never third refund channel carrier
  beside order info pay
payment.channel
  shape code text
  says channel .88 | pay channel .95 | pay method .95 | pay type .93 | method .85 | type .5 | pay channel number .9 | pay .6 |
    channel number .85 | channel id .6 | pay method number .9
  never state amount time note order user trade flag
  beside info name third notify
payment.transaction_id
  shape document text
  says transaction id .95 | third number .86 | third trade number .95 | third transaction number .95 | trade number .88 | third
    order number .93 | channel order number .93 | channel trade number .95 | transaction number .86 | third pay number .93 | channel
    number .75 | third transaction id .95 | third trade id .92 | third id .7 | channel transaction id .95 | channel transaction
    number .95 | pay transaction id .93 | channel pay id .93 | channel pay number .9 | third .6 | number .6
  never refund out time buyer amount type state
  beside info pay
payment.amount
  shape amount
  says amount .88 | pay amount .95 | total amount .88 | order amount .8 | trade amount .86 | total .75 | pay .7 | paid amount .88 |
    actual amount .85 | due amount .8
  never MONEY time id
  beside order trade info
payment.at
  shape instant
  says pay time .95 | paid time .95 | paid .85 | success time .9 | pay finish time .93 | finish time .88 | finish .78 | pay .82 |
    trade time .75 | receive time .55
  never update expire refund create close cancel TIME
  beside order trade
payment.state
  shape code
  says state .9 | pay state .95 | trade state .92 | order state .75 | flag pay .75 | flag paid .85 | pay order state .9 | attempt
    state .9
  never notify refund settle delete invoice type
  beside info order
refund.number
  shape document
  says refund number .95 | return number .92 | return transaction number .9 | refund transaction number .9 | refund order number .95 |
    return order number .92 | out refund number .93 | refund id
    .5 | number .78 | return apply number .9 | refund apply number .92 | apply number .85 | refund trade number .85
  never third carrier tracking pay ship phone channel transaction company receiver tenant shop buyer item goods sku who
  beside info
refund.amount
  shape amount
  says refund amount .95 | return amount .92 | refund actual amount .93 | amount .8 | refund .75 | refund total amount .88 | apply
    amount .75 | refund order amount .85
  never point freight unit quantity num goods commission coupon discount number stock
  beside info return order actual apply
refund.state
  shape code
  says state .9 | refund state .95 | return state .93 | refund return state .93 | handle state .85 | apply state .88 | refund order
    state .9
  never receive delete settle ship pay goods
  beside info
refund.requested_at
  shape instant
  says apply time .95 | create time .9 | create .85 | refund apply time .95 | refund create time .93 | return apply time .93 | place
    time .88 | apply .8 | refund time .5
  never update handle finish receive ship delete close pay expire TIME
  beside order return by
refund.done_at
  shape instant
  says finish time .9 | refund finish time .95 | refund time .85 | success time .9 | paid time .75 | finish .8 | refund paid time .8
    | actual refund time .9 | handle time .6 | refund .7 | refund handle time .8 | return finish time .9
  never update create ship apply receive delete close expire TIME
  beside order return third
stock.sku
  shape key document text
  says sku id .95 | sku .88 | sku number .95 | goods sku id .95 | goods sku number .95 | goods id .82 | goods number .75 | sku goods
    id .9
  never name amount lock type image tenant shop parent state quantity time brand category
  beside stock item info
stock.available
  shape count
  says available .92 | available stock .95 | available quantity .93 | stock .82 | stock quantity .85 | stock num .85 | goods
    quantity .86 | goods num .84 | goods number .82 | quantity .82 | num .68 | total stock .62 | actual stock .6 | stock amount .7 |
    total stock
    quantity .6
  never lock sold warn time state type version freight id unit order flag
  beside goods sku info
stock.locked
  shape count
  says lock .85 | lock stock .95 | lock quantity .93 | lock num .9 | lock stock quantity .95 | lock stock num .93 | place quantity
    .5 | lock amount .8
  never sold warn time flag state available version
  beside goods sku info available
stock.price
  shape amount
  says unit amount .9 | amount .88 | sku amount .9 | goods amount .85 | sold amount .9 | unit .8
  never discount cost point market lock old promotion weight num quantity stock coupon commission buyer total freight
  beside goods sku info
coupon.id
  shape key document text
  says coupon number .9 | id .72 | coupon id .7 | number .8 | buyer coupon id .92
  never order goods name type time template amount setting parent tenant
  beside coupon buyer
coupon.state
  shape code
  says state .9 | coupon state .93 | sold state .95 | sold flag .85 | use state .95 | sold .6
  never delete time type amount receive
  beside coupon use
coupon.used_at
  shape instant
  says sold time .95 | use time .95 | coupon sold time .95 | sold .8 | coupon use time .93
  never create expire begin end update receive finish delete limit
  beside coupon use
history.at
  shape instant
  says create time .92 | operate time .95 | update time .8 | time .85 | create .82 | history time .9 | new time .75 | state time .8
    | place time .7
  never expire pay ship delete
  beside order history operate by state who
history.who
  shape text key
  says history buyer .84 | history who .9 | history name .7 | who .9 | operate who .95 | operate buyer .9 | operate name .85 |
    operate id .75 | create who .86 | operate .62 | who name .9 | who id .85 | buyer .6 | buyer name .6 | buyer id .55 | update who
    .7 | operate who name .93 | operate who id .85
  never time state type note order content ip phone amount
  beside info operate create update
history.from
  shape code
  says old state .95 | old .8 | old order state .95
  never time note who amount name
  beside id order operate pay
history.to
  shape code
  says new state .95 | new .78 | order state .88 | state .86 | new order state .95 | update state .6 | operate state .6 | update
    type .6
  never time note who amount old name
  beside id order operate
stock_move.sku
  shape key document text
  says sku id .95 | sku .88 | sku number .95 | goods sku id .95 | goods id .82 | goods number .75 | goods sku number .95
  never name amount type image
  beside stock item info
stock_move.quantity
  shape count
  says quantity .9 | num .88 | update quantity .93 | stock quantity .8 | update num .9 | update stock .8 | update .55 | update
    amount .8
  never old new after before price time id
  beside stock goods sku
"""
