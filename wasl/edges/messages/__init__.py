"""Messages that leave Wasl: by e-mail through a mail server, by SMS through a gateway. Neither names a patient."""
