"""Mail to the addresses of a ``mailto://`` URL: text and HTML in one, in the thread of its alert.

apprise parses the URL; what it would send knows no threads, and its text is made of its HTML. A URL that asks
for signed or encrypted mail stays with apprise.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from typing import TYPE_CHECKING, Any, Final

from shared.model.alert_records import Notification
from shared.model.errors import SinkError
from shared.model.renderings import Mail, Renderings

if TYPE_CHECKING:
    from apprise.plugins.email.base import NotifyEmail

_SECONDS: Final = 15
_LOG: Final = logging.getLogger("driftward")


class MailSink:
    """One mail to all addresses of a URL."""

    def __init__(self, name: str, plugin: NotifyEmail, forms: Renderings) -> None:
        self._name = name
        self._plugin: Any = plugin
        self._forms = forms

    @property
    def name(self) -> str:
        return self._name

    def deliver(self, notification: Notification) -> None:
        sender = str(self._plugin.from_addr[1])
        mail = self._forms.mail(notification, sender.rpartition("@")[2])
        try:
            self._send(_addressed(mail, self._plugin), sender)
        except (OSError, smtplib.SMTPException, MessageError, ValueError) as error:
            # the last two for headers of the URL that no mail can have, and addresses that no server takes
            raise SinkError(f"{self._name} did not take {notification.id}: {type(error).__name__}") from error

    def _send(self, message: EmailMessage, sender: str) -> None:
        """Raises what smtplib raises; an address that alone is refused keeps nobody else from the mail."""
        with _connection(self._plugin) as server:
            refused = server.send_message(message, sender, _receivers(self._plugin))
        if refused:
            _LOG.warning("%s refused %d of the addresses", self._name, len(refused))


def mail_sink(name: str, plugin: object, forms: Renderings) -> MailSink | None:
    """The sink for what apprise made of a URL; None where it is no mail, or one that apprise seals."""
    from apprise.plugins.email.base import NotifyEmail

    if type(plugin) is not NotifyEmail or str(plugin.pgp_mode) != "no":
        return None
    return MailSink(name, plugin, forms)


def _addressed(mail: Mail, plugin: Any) -> EmailMessage:
    """Addresses come from the settings alone: nothing that a stranger chose is among them."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = mail.subject
    message["From"] = _spelt(*plugin.from_addr)
    message["To"] = ", ".join(_spelt(*one) for one in plugin.targets)
    for header, addresses in (("Cc", plugin.cc), ("Reply-To", plugin.reply_to)):
        if addresses:
            message[header] = ", ".join(sorted(addresses))
    message["Date"] = format_datetime(mail.time)
    for header, text in {**mail.headers, **plugin.headers}.items():
        message[header] = text
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


def _spelt(name: object, address: str) -> str:
    return formataddr((str(name) if name else "", address))


def _receivers(plugin: Any) -> list[str]:
    targets = (str(address) for _, address in plugin.targets)
    return list(dict.fromkeys([*targets, *sorted(plugin.cc), *sorted(plugin.bcc)]))


@contextmanager
def _connection(plugin: Any) -> Iterator[smtplib.SMTP]:
    server = _opened(plugin)
    try:
        if plugin.secure_mode == "starttls":
            server.starttls(context=_tls(plugin))
        if plugin.user and plugin.password:
            server.login(plugin.user, plugin.password)
        yield server
    finally:
        with suppress(OSError, smtplib.SMTPException):  # what was taken is taken, however they part
            server.quit()
        server.close()


def _opened(plugin: Any) -> smtplib.SMTP:
    host, port = str(plugin.smtp_host), int(plugin.port)
    if plugin.secure_mode == "ssl":
        return smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=_tls(plugin))
    return smtplib.SMTP(host, port, timeout=_SECONDS)


def _tls(plugin: Any) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not plugin.verify_certificate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
