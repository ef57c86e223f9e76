"""Acceptance sampling table (计数抽样检验表): single sampling, normal inspection, as ISO 2859-1 and GB/T 2828.1 print it.

Provenance: every cell was compared with three independent transcriptions of MIL-STD-105E / ANSI Z1.4: CRAN AQLSchemes 1.7-2 (n, Ac and Re
of all 416 cells with arrows resolved), CRAN Planesmuestra 0.1 (Ac of all 416, n of all printed plans) and nibs.org AC-TABLE.ASC (level II,
AQL 0.65 to 15, arrows included). Code letters agree between the first two in all 105 cells.

Caveat: the cells come from that lineage. That they are also those of ISO 2859-1:1999 (= GB/T 2828.1-2012) is what these sources say; the
standard's own page was not seen. Tightened and reduced tables are left out: sources disagree about them.
"""

# First lot size of each range (the last has no end), and the code letter at each inspection level.
LETTERS = """
lot_from  S-1  S-2  S-3  S-4    I   II  III
       2    A    A    A    A    A    A    B
       9    A    A    A    A    A    B    C
      16    A    A    B    B    B    C    D
      26    A    B    B    C    C    D    E
      51    B    B    C    C    C    E    F
      91    B    B    C    D    D    F    G
     151    B    C    D    E    E    G    H
     281    B    C    D    E    F    H    J
     501    C    C    E    F    G    J    K
    1201    C    D    E    G    H    K    L
    3201    C    D    F    G    J    L    M
   10001    C    D    F    H    K    M    N
   35001    D    E    G    J    L    N    P
  150001    D    E    G    J    M    P    Q
  500001    D    E    H    K    N    Q    R
"""

# Sample size n of each letter, and Ac/Re at each AQL; an arrow sends to the first plan above or below it, n included.
MASTER = """
letter    n 0.010 0.015 0.025 0.040 0.065 0.10 0.15  0.25  0.40  0.65   1.0   1.5   2.5   4.0   6.5    10    15    25    40    65   100   150   250   400   650  1000
     A    2     ↓     ↓     ↓     ↓     ↓    ↓    ↓     ↓     ↓     ↓     ↓     ↓     ↓     ↓   0/1     ↓     ↓   1/2   2/3   3/4   5/6   7/8 10/11 14/15 21/22 30/31
     B    3     ↓     ↓     ↓     ↓     ↓    ↓    ↓     ↓     ↓     ↓     ↓     ↓     ↓   0/1     ↑     ↓   1/2   2/3   3/4   5/6   7/8 10/11 14/15 21/22 30/31 44/45
     C    5     ↓     ↓     ↓     ↓     ↓    ↓    ↓     ↓     ↓     ↓     ↓     ↓   0/1     ↑     ↓   1/2   2/3   3/4   5/6   7/8 10/11 14/15 21/22 30/31 44/45     ↑
     D    8     ↓     ↓     ↓     ↓     ↓    ↓    ↓     ↓     ↓     ↓     ↓   0/1     ↑     ↓   1/2   2/3   3/4   5/6   7/8 10/11 14/15 21/22 30/31 44/45     ↑     ↑
     E   13     ↓     ↓     ↓     ↓     ↓    ↓    ↓     ↓     ↓     ↓   0/1     ↑     ↓   1/2   2/3   3/4   5/6   7/8 10/11 14/15 21/22 30/31 44/45     ↑     ↑     ↑
     F   20     ↓     ↓     ↓     ↓     ↓    ↓    ↓     ↓     ↓   0/1     ↑     ↓   1/2   2/3   3/4   5/6   7/8 10/11 14/15 21/22     ↑     ↑     ↑     ↑     ↑     ↑
     G   32     ↓     ↓     ↓     ↓     ↓    ↓    ↓     ↓   0/1     ↑     ↓   1/2   2/3   3/4   5/6   7/8 10/11 14/15 21/22     ↑     ↑     ↑     ↑     ↑     ↑     ↑
     H   50     ↓     ↓     ↓     ↓     ↓    ↓    ↓   0/1     ↑     ↓   1/2   2/3   3/4   5/6   7/8 10/11 14/15 21/22     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑
     J   80     ↓     ↓     ↓     ↓     ↓    ↓  0/1     ↑     ↓   1/2   2/3   3/4   5/6   7/8 10/11 14/15 21/22     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑
     K  125     ↓     ↓     ↓     ↓     ↓  0/1    ↑     ↓   1/2   2/3   3/4   5/6   7/8 10/11 14/15 21/22     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑
     L  200     ↓     ↓     ↓     ↓   0/1    ↑    ↓   1/2   2/3   3/4   5/6   7/8 10/11 14/15 21/22     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑
     M  315     ↓     ↓     ↓   0/1     ↑    ↓  1/2   2/3   3/4   5/6   7/8 10/11 14/15 21/22     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑
     N  500     ↓     ↓   0/1     ↑     ↓  1/2  2/3   3/4   5/6   7/8 10/11 14/15 21/22     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑
     P  800     ↓   0/1     ↑     ↓   1/2  2/3  3/4   5/6   7/8 10/11 14/15 21/22     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑
     Q 1250   0/1     ↑     ↓   1/2   2/3  3/4  5/6   7/8 10/11 14/15 21/22     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑
     R 2000     ↑     ↑   1/2   2/3   3/4  5/6  7/8 10/11 14/15 21/22     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑     ↑
"""
