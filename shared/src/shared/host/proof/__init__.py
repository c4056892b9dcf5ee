"""`triptych prove`: kill the workers of running orders, then count in the backends' own books.

A lane has stand-in backends, a journal and a fork server of its own (`stage`); its children run the product's code
(`worker`, `fork_server`) and end at boundaries that a plan for all lanes chooses (`plan`, `campaign`). What they left
is compared with what had to be (`books`, `findings`).
"""
