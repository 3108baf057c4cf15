"""LaTeX to PDF by a TeX installation, where the user asks for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

from .typeset import MissingExtra, TypesettingError

#: No file of the user's own is read, no command run, and no clock.
COMMAND = (
    "latexmk",
    "-norc",
    "-pdf",
    "-pdflatex=pdflatex -no-shell-escape %O %S",
    "-interaction=nonstopmode",
    "-halt-on-error",
    "-quiet",
)
EPOCH = {"SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1"}
SMALL = (
    r"\documentclass{article}\usepackage{lmodern,amsmath,fancyvrb,graphicx,xcolor}"
    r"\begin{document}$x$\end{document}"
)

#: Seconds after which a run is given up.
LIMIT = 300.0


def tex_pdf(title: str, source: str) -> bytes:
    """The PDF; raises ``MissingExtra`` where there is no TeX that works."""
    fault = engine_fault()
    if fault:
        raise MissingExtra(
            f"--pdf-engine latexmk needs a TeX installation that works, but {fault}; "
            "on Debian: apt install latexmk lmodern texlive-latex-recommended"
        )
    pdf, said = compiled(source)
    if pdf is None:
        raise TypesettingError(f"LaTeX cannot set {title!r}: {said}")
    return pdf


@lru_cache(maxsize=1)
def engine_fault() -> str:
    """What is wrong with the installation, found by setting a small file; empty if nothing is."""
    for program in ("latexmk", "pdflatex"):
        if shutil.which(program) is None:
            return f"there is no {program}"
    pdf, said = compiled(SMALL)
    return "" if pdf else f"it cannot set a small file: {said}"


def compiled(source: str) -> tuple[bytes | None, str]:
    """What comes of a source, or None and the first thing that TeX complains of."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.tex"
        path.write_text(source, encoding="utf-8")
        try:
            subprocess.run(
                [*COMMAND, path.name],
                cwd=folder,
                env=os.environ | EPOCH,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=LIMIT,
                check=True,
            )
            return path.with_suffix(".pdf").read_bytes(), ""
        except subprocess.TimeoutExpired:
            return None, f"it was not done after {LIMIT:g} seconds"
        except (OSError, subprocess.CalledProcessError) as error:
            log = path.with_suffix(".log")
            text = log.read_text(errors="replace") if log.exists() else str(error)
            complaints = [line for line in text.splitlines() if line.startswith("!")]
            return None, complaints[0][2:] if complaints else text.strip().splitlines()[-1]
