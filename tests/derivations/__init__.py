"""Right and wrong derivations by the thousand, made without the engine: what the hand check is measured with.

``paper`` derives expressions by the rules of a textbook and lets any one step be replaced by a wrong one; ``kinds``
is the table of slips; ``networks``, ``second`` and ``held_out`` are what is derived; ``styles`` writes a derivation
down in several hands; ``generator`` puts them together; ``judge`` hands everything in and counts. Only ``record`` and
``judge`` know the engine. From the root of the repository:

    PYTHONPATH=.:tests python -m derivations                    # figures and misses of the networks that may be seen
    PYTHONPATH=.:tests python -m derivations --held-out first   # the totals of the others, without their misses
"""
