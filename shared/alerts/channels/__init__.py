"""One message, as each channel shows it. Pure: a notification in, what is posted out, within the limits."""
