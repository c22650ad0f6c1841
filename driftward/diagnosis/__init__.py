"""Why can nobody connect to a server? The order of the Private Link article, walked over one reading.

``walk`` (pure) asks step by step: the address, the NSGs and routes (``path``), DNS (``naming``), the
firewall; it stops at the first fault that is proved to be in the way of who asks (``case``). ``azure`` reads
what it needs, ``show`` prints it. What is found has the words and the fixes of the policies that judge the
same thing; nothing is judged twice.
"""
