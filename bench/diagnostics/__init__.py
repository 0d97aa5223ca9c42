"""Programs that measure the benchmark itself.

``speed``, ``race`` and ``gpu`` measure training, ``profile`` a grid, ``scale`` and ``growth`` the
cost of more work, and ``fault_injection`` failures; ``decision_regions`` looks at classifiers.
"""
