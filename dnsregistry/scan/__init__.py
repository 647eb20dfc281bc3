"""The identify sweep: asks every address of a range what it is, and registers what answers.

`ranges`, `pace` and `identity` are pure; `peer` asks one address, `survey` many, `roll` keeps the
leases of what was found, and `scanner` does it all again and again.
"""
