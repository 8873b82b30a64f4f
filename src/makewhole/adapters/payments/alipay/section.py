"""`[alipay]`: the settings of one merchant account at Alipay."""

from __future__ import annotations

from makewhole import settings


class Section(settings.ChannelSettings, frozen=True, kw_only=True):
    """Either `public_key_file`, or the three certificates."""

    app_id: str
    seller_id: str
    """The merchant's user number (PID, 2088…): callbacks of another seller are refused."""
    private_key_file: str
    """The application's private key, PEM or as Alipay's tool writes it."""
    public_key_file: str = ""
    """Alipay's public key, not the application's own: plain-key mode."""
    app_cert_file: str = ""
    """The application's certificate (appCertPublicKey): certificate mode, with the next two."""
    alipay_cert_file: str = ""
    """Alipay's certificate (alipayCertPublicKey_RSA2)."""
    root_cert_file: str = ""
    """Alipay's roots (alipayRootCert)."""
    gateway_url: str = "https://openapi.alipay.com/gateway.do"
    charset: str = "utf-8"
    """utf-8 or gbk: of requests and answers. A callback says its own."""
    link: str = "precreate"
    """Kind of payment link for a recalled order: precreate, page, wap or app."""

    def merchant(self) -> str:
        return self.seller_id
