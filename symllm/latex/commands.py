"""The commands of LaTeX that formulas are written with, by what they say."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


GREEK = words(
    "alpha beta gamma delta zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon "
    "phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell"
)
LETTERS = {name: name for name in GREEK} | {
    "epsilon": "epsilon",
    "varepsilon": "epsilon",
    "varphi": "phi",
    "vartheta": "theta",
    "varsigma": "sigma",
    "varrho": "rho",
    "top": "top",
    "intercal": "top",
    "infty": "infty",
    "partial": "partial",
    "nabla": "nabla",
    "lbrace": "{",
}
#: The same letters, as they stand in Unicode.
SIGNED = [
    "α",
    "alpha",
    "β",
    "beta",
    "γ",
    "gamma",
    "δ",
    "delta",
    "ε",
    "epsilon",
    "ζ",
    "zeta",
    "η",
    "eta",
    "θ",
    "theta",
    "ι",
    "iota",
    "κ",
    "kappa",
    "λ",
    "lambda",
    "μ",
    "mu",
    "ν",
    "nu",
    "ξ",
    "xi",
    "π",
    "pi",
    "ρ",
    "rho",
    "σ",
    "sigma",
    "τ",
    "tau",
    "υ",
    "upsilon",
    "φ",
    "phi",
    "χ",
    "chi",
    "ψ",
    "psi",
    "ω",
    "omega",
    "Γ",
    "Gamma",
    "Δ",
    "Delta",
    "Θ",
    "Theta",
    "Λ",
    "Lambda",
    "Ξ",
    "Xi",
    "Π",
    "Pi",
    "Σ",
    "Sigma",
    "Φ",
    "Phi",
    "Ψ",
    "Psi",
    "Ω",
    "Omega",
    "ϵ",
    "epsilon",
    "ϕ",
    "phi",
    "∂",
    "partial",
    "∇",
    "nabla",
    "⊤",
    "top",
    "ᵀ",
    "top",
    "ℓ",
    "ell",
    "∞",
    "infty",
]
UNICODE = dict(zip(SIGNED[::2], SIGNED[1::2], strict=True))

ACCENTS = {
    "hat": "hat",
    "widehat": "hat",
    "bar": "bar",
    "overline": "bar",
    "tilde": "tilde",
    "widetilde": "tilde",
    "dot": "dot",
    "check": "check",
    "vec": "",
    "underline": "",
}
FUNCTIONS = words(
    "exp log ln lg tanh sinh cosh sech coth sin cos tan max min arg det dim ker Pr sup inf"
)
STYLES = {
    "mathbf": "bold",
    "boldsymbol": "bold",
    "bm": "bold",
    "pmb": "bold",
    "textbf": "bold",
    "mathcal": "script",
    "mathscr": "script",
    "mathbb": "double",
    "mathds": "double",
    "mathrm": "upright",
    "mathsf": "upright",
    "mathtt": "upright",
    "mathit": "",
    "mathnormal": "",
    "text": "upright",
    "textrm": "upright",
    "textit": "upright",
    "textsf": "upright",
    "texttt": "upright",
    "mbox": "upright",
    "operatorname": "upright",
    "operatorname*": "upright",
}
#: Commands that say how something looks, and nothing else.
SILENT = words(
    "displaystyle textstyle scriptstyle limits nolimits nonumber notag left right middle big Big "
    "bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr bigm Bigm mathstrut thinspace "
    "negthinspace medspace thickspace enspace strut allowbreak nobreak hfill"
)
SILENT_WITH_ARGUMENT = words("label tag color hspace vspace phantom hphantom vphantom")
MARKS = {
    "cdot": "cdot",
    "times": "times",
    "odot": "odot",
    "circ": "odot",
    "ast": "odot",
    "star": "odot",
    "div": "/",
    "otimes": "otimes",
}
RELATIONS = {
    "le": "<=",
    "leq": "<=",
    "leqslant": "<=",
    "ge": ">=",
    "geq": ">=",
    "geqslant": ">=",
    "lt": "<",
    "gt": ">",
    "ne": "!=",
    "neq": "!=",
    "equiv": "=",
    "triangleq": "=",
    "coloneqq": "=",
    "coloneq": "=",
    "approx": "=",
    "in": "in",
    "sim": "~",
}
SIMPLE = {
    "frac": "FRAC",
    "tfrac": "FRAC",
    "dfrac": "FRAC",
    "cfrac": "FRAC",
    "sqrt": "SQRT",
    "sum": "BIG",
    "prod": "BIG",
    "langle": "LANGLE",
    "rangle": "RANGLE",
    "lVert": "LNORM",
    "rVert": "RNORM",
    "lvert": "LBAR",
    "rvert": "RBAR",
    "Vert": "NORM",
    "vert": "BAR",
    "mid": "BAR",
    "lbrack": "LSQUARE",
    "rbrack": "RSQUARE",
    "dots": "DOTS",
    "ldots": "DOTS",
    "cdots": "DOTS",
    "prime": "PRIME",
    "quad": "QUAD",
    "qquad": "QUAD",
    "colon": "COLON",
    "boxed": "KEEP",
    "underbrace": "BRACE",
    "overbrace": "BRACE",
    "textcolor": "COLOURED",
    "forall": "IF",
}
#: Arrows between equations, of which the one after them follows, or is the same.
ARROWS = {"implies": "=>", "Rightarrow": "=>", "Longrightarrow": "=>", "iff": "<=>"}
SIMPLE |= dict.fromkeys(ARROWS, "SEP")
SIGNS = {
    "+": "PLUS",
    "-": "MINUS",
    "−": "MINUS",
    "=": "REL",
    "<": "REL",
    ">": "REL",
    "≤": "REL",
    "≥": "REL",
    "≠": "REL",
    "(": "LPAR",
    ")": "RPAR",
    "[": "LSQUARE",
    "]": "RSQUARE",
    "{": "LBRACE",
    "}": "RBRACE",
    "_": "SUB",
    "^": "SUP",
    "'": "PRIME",
    "′": "PRIME",
    ",": "COMMA",
    ";": "COMMA",
    "&": "CELL",
    "|": "BAR",
    "‖": "NORM",
    "/": "MARK",
    "*": "MARK",
    "·": "MARK",
    "⊙": "MARK",
    "×": "MARK",
    "∘": "MARK",
    ".": "DOT",
    ":": "COLON",
    "∑": "BIG",
    "⟨": "LANGLE",
    "⟩": "RANGLE",
    "√": "SQRT",
}
MEANS = {"≤": "<=", "≥": ">=", "≠": "!=", "*": "odot", "·": "cdot", "⊙": "odot", "∘": "odot"}
MEANS |= {"×": "times", "∑": "sum", "−": "-", "′": "'"}
CONTROL = {
    "{": "LSET",
    "}": "RSET",
    "|": "NORM",
    "\\": "ROW",
    "[": "",
    "]": "",
    "(": "",
    ")": "",
    "_": "",
}

ENVIRONMENTS = words(
    "aligned align align* equation equation* split gathered gather gather* alignat alignedat "
    "multline multline* eqnarray eqnarray*"
)
#: Environments of matrices; bars around one would make its determinant.
MATRICES = words("matrix pmatrix bmatrix Bmatrix smallmatrix psmallmatrix bsmallmatrix array")
WORDS = {"if": "IF", "for": "IF", "when": "IF", "where": "WHERE", "with": "WHERE", "and": "WHERE"}
WORDS |= {"otherwise": "OTHERWISE", "else": "OTHERWISE", "so": "WHERE", "else if": "IF"}
WORDS |= {"for all": "IF", "then": "WHERE"}
