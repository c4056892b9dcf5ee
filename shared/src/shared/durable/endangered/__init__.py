"""Workers that end by SIGKILL at a chosen boundary, and the reckoning of what they may have done.

A boundary is before and after each call of a step, and before and after each commit of a journal. The engine's
code is as it is: boundaries are put around it in forked children (`boundaries`, `commits`). Each child says what it
begins and what it knows journaled (`trail`); from that alone follows which calls had to be made (`reckoning`).
"""
