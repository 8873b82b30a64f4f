"""Signatures of the gateway: parameters in, the text that is signed and its RSA2 out, as documented; no clock, no chance, no network.

RSA2 is RSA PKCS #1 v1.5 over SHA-256. In certificate mode a key is named by the MD5 of its certificate's issuer and serial number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from cryptography import x509

from makewhole.adapters.payments import signatures

SCHEME = "RSA2"
sign, fits = signatures.sign, signatures.fits
_RSA_SIGNATURES = "1.2.840.113549.1.1."
"""Object identifiers of RSA signatures begin so: the root file also holds SM2 and elliptic roots, which have no part in the number."""
_NAMES = {"2.5.4.3": "CN", "2.5.4.11": "OU", "2.5.4.10": "O", "2.5.4.6": "C"}


def request_text(told: Mapping[str, str]) -> str:
    """What a request's signature is over: all parameters but `sign` and empty ones, sorted, `k=v` joined by `&`, not URL-encoded."""
    return _joined({k: v for k, v in told.items() if k != "sign" and v})


def notice_text(told: Mapping[str, str]) -> str:
    """What a callback's signature is over: all parameters that came, decoded, but `sign` and `sign_type`."""
    return _joined({k: v for k, v in told.items() if k not in {"sign", "sign_type"}})


def cert_sn(certificate: x509.Certificate) -> str:
    """app_cert_sn, alipay_cert_sn: MD5 of the issuer's name, last part first (`CN=…,OU=…,O=…,C=…`), and the decimal serial number."""
    names = [f"{_NAMES.get(part.oid.dotted_string, part.oid.dotted_string)}={part.value!s}" for part in certificate.issuer]
    text = ",".join(reversed(names)) + str(certificate.serial_number)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def root_cert_sn(certificates: Iterable[x509.Certificate]) -> str:
    """alipay_root_cert_sn: the numbers of the RSA roots in the file's order, joined by `_`."""
    return "_".join(cert_sn(one) for one in certificates if one.signature_algorithm_oid.dotted_string.startswith(_RSA_SIGNATURES))


def _joined(told: Mapping[str, str]) -> str:
    return "&".join(f"{k}={told[k]}" for k in sorted(told))
