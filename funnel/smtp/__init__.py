"""Hand messages to an SMTP relay one command at a time, so that an uncertain end is known to be uncertain.

Between the end-of-data dot and its answer nobody can know whether the relay has the message (RFC 1047). A
client that sends a message in one call cannot tell a connection lost before the dot (not taken) from one lost
after it (perhaps taken); this one can, and asks the ledger for leave in between.
"""

from funnel.smtp.sender import SmtpSender
from funnel.smtp.settings import Security, SmtpSettings, Timeouts

__all__ = ["Security", "SmtpSender", "SmtpSettings", "Timeouts"]
