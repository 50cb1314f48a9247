"""One module for each provider, and the one dict that names them all."""

from __future__ import annotations

from collections.abc import Mapping

from funnel.providers import local
from funnel.providers.provider import Account, Provider

__all__ = ["PROVIDERS", "Account", "Provider"]

PROVIDERS: Mapping[str, Provider] = {one.name: one for one in (local.PROVIDER,)}
