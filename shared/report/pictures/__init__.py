"""What a page draws of one target, told from its reading: its ways in, its NSG, its firewall ranges.

Values without a form: a page draws them. Every verdict is asked of those who judge for policies
(``posture.ways``, ``nsg``); nothing is judged here. Pure.
"""
