"""How Douyin Pay speaks APIv3: signatures without a type beside them, certificates under other names, bills that name their merchant.

Read in its own SDKs for Go, Java and Python, and tried against the last.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from makewhole.adapters.payments import strictjson
from makewhole.adapters.payments.apiv3 import account, dialect, errors, wire

RSA = "RSA"
"""The kind of certificate that we read. A merchant with SM2 keys has certificates of the kind SM2, which are passed over."""


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed certificate: its text is called `cipher_text` here, and `ciphertext` in a callback; clients disagree, so either will do."""

    algorithm: str = ""
    nonce: str
    associated_data: str = ""
    cipher_text: str = ""
    ciphertext: str = ""


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """One platform certificate. Its times come in a form that no two sources tell alike: the certificate's own are believed instead."""

    cert_no: str
    cert_type: str = RSA
    encrypt_certificate: Sealed


class Certificates(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of getPlatformCertificates."""

    certificates: tuple[Certificate, ...]


def listed(raw: bytes) -> tuple[dialect.Listed, ...]:
    """The RSA certificates of such an answer. Raises ValueError."""
    return tuple(
        dialect.Listed(serial=one.cert_no, sealed=_sealed(one.encrypt_certificate))
        for one in strictjson.parse(raw, Certificates).certificates
        if one.cert_type == RSA
    )


def _sealed(told: Sealed) -> wire.Sealed:
    ciphertext = told.cipher_text or told.ciphertext
    return wire.Sealed(algorithm=told.algorithm, nonce=told.nonce, ciphertext=ciphertext, associated_data=told.associated_data)


def bill(mchid: str, day: str) -> str:
    """All payments and refunds of a day."""
    return f"/v1/bill/billapply?mchid={mchid}&bill_date={day}&bill_type=TRADE&tar_type=GZIP"


DOUYINPAY = dialect.Dialect(
    name="Douyin Pay",
    scheme="DouyinPay-RSA",
    fields=("mchid", "serial_no", "timestamp", "nonce_str", "signature"),
    prefix="Douyinpay",
    typed=False,
    probe=None,
    transactions="/v1/trade/transactions",
    refunds="/v1/trade/refund/domestic/refunds",
    certificates="/v1/merchant/certificates/getPlatformCertificates",
    listed=listed,
    bill=bill,
    refunds_name_merchant=True,
    # One of its SDKs has the field and two have not. What names none was sealed under our own key.
    refund_news_name_merchant=False,
    # Its Go client lists TRANSACTION.SUCCESS, its Python client's examples ask for PAYMENT….
    paid_events=("TRANSACTION.", "PAYMENT"),
    codes=errors.TABLE,
)


def of(merchant: account.Account) -> dialect.Dialect:
    """With the codes that this merchant's settings know better."""
    return replace(DOUYINPAY, codes={**DOUYINPAY.codes, **{errors.spelled(code): says for code, says in merchant.codes.items()}})
