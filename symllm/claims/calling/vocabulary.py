"""What people call the quantities of an op: tables.

A name is compared without underscores and without regard to capitals, so that ``x_hat``, ``xhat``
and ``xHat`` are one; first of all comes the name that the op itself uses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


def fold(name: str) -> str:
    return name.replace("_", "").lower()


def words(text: str) -> list[str]:
    return text.split()


#: Upstream gradients that do not name the output.
UPSTREAM = words(
    "dout gradoutput gradoutputs gradout outgrad gradient grad g gy dy dz delta upstream "
    "upstreamgrad upstreamgradient cotangent ct dl dloss dlosses gradloss dldy dldout dldo dh"
)

#: The output of the forward pass, whatever the op calls it.
OUTPUT = words("out output outputs result y o")

#: The one input that is differentiated and batched, whatever the op calls it.
DATA = words(
    "x inp input inputs self a aprev h hidden hiddenstates tensor features logits scores z preact "
    "data in"
)

#: Inputs by what the catalogue calls them.
INPUTS: Mapping[str, list[str]] = {
    "x": [*DATA, "prediction", "predictions", "pred", "preds", "ypred", "yhat"],
    "z": [*DATA, "studentlogits", "student"],
    "v": words("teacherlogits teacher"),
    "gamma": words("weight weights w g scale gain"),
    "beta": words("bias b shift"),
    "W": words("weight weights w kernel embedding embeddings table wte"),
    "b": words("bias"),
    "t": words("target targets label labels idx ids index indices tokens tokenids y ytrue classes"),
    "y": words("target targets label labels t q onehot ytrue"),
    "q": words("target targets qprobs"),
    "p": words("probs probabilities prob"),
    "A": words("loraA"),
    "B": words("loraB"),
    "Q": words("q query queries"),
    "K": words("k key keys"),
    "V": words("v value values"),
    "M": words("mask attnmask bias attentionmask"),
    "mask": words("m keep attnmask"),
    "eps": words("epsilon varianceepsilon layernormeps normeps"),
    "epsilon": words("eps smoothing labelsmoothing alpha clip clipeps"),
    "tau": words("temperature temp t"),
    "rate": words("p dropoutp dropprob dropout pdrop"),
    "base": words("theta ropetheta ropebase"),
    "pos": words("positions positionids position"),
    "slope": words("slopes alibislope"),
    "w": words("window windowsize"),
    "kappa": words("c cap softcap"),
    "u": words("y"),
    "gate": words("g gated x1 a"),
    "up": words("u x2 b"),
    "c_w": words("chosen policychosen chosenlogps policychosenlogps"),
    "c_l": words("rejected policyrejected rejectedlogps policyrejectedlogps"),
    "ref_w": words("refchosen refchosenlogps referencechosenlogps"),
    "ref_l": words("refrejected refrejectedlogps referencerejectedlogps"),
}

#: What is computed on the way, by what the catalogue calls it.
INTERMEDIATES: Mapping[str, list[str]] = {
    "mu": words("mean m xmean avg samplemean"),
    "v": words("var variance sigma2 sigmasq samplevar"),
    "r": words("rstd invstd istd ivar invvar rsigma rrms invrms inv rsqrt invnorm"),
    "xhat": words("xnorm norm normalized xn xnormalized normed normx"),
    "c": words("xc xmu centered xcentered diff dev"),
    "p": words("probs prob probabilities softmax sm s yhat ypred"),
    "P": words("probs prob p probabilities softmax att attn attnweights attentionweights a"),
    "S": words("scores s preatt qk logits attnscores"),
    "Z": words("denom denominator sumexp total partition"),
    "E": words("exps exp expx"),
    "s": words("sig sigmoid sigmoidx sigma"),
    "t": words("tanh th"),
    "xtilde": words("t tanh th"),
    "zeta": words("lse logz"),
    "Phi": words("cdf"),
    "phi": words("pdf"),
    "D": words("delta"),
}

#: How the gradient of a quantity is called after it, folded.
GRADIENTS = words("d{} grad{} dld{} {}grad gradient{} {}gradient gradof{} {}bar g{}")


@dataclass(frozen=True)
class Definition:
    """A quantity that is no name of an op, by the names that it is computed from.

    The parameters of a way are names of the op, tensors or dimensions, the first of them a
    tensor; the first way that has all of its names is taken.
    """

    names: tuple[str, ...]
    ways: tuple[Callable[..., Any], ...]


DEFINITIONS = (
    Definition(("std", "sigma", "stddev", "sd", "rms", "sqrtvar"), (lambda r: 1 / r,)),
    Definition(("var", "variance", "meansquare", "ms", "sigma2"), (lambda r, eps: 1 / r**2 - eps,)),
    Definition(
        ("lse", "logsumexp", "logz"),
        (lambda lse: lse, lambda z, Z: np.log(Z), lambda Z: np.log(Z)),
    ),
    Definition(("logp", "logprobs", "logprob", "logsoftmax"), (lambda p: np.log(p),)),
    Definition(("one_hot", "y"), (lambda t, n: np.eye(n)[t],)),
    Definition(("scale", "softmaxscale", "smscale", "factor"), (lambda S, Q, d: 1 / math.sqrt(d),)),
    Definition(("normalized_shape",), (lambda xhat, d: (d,),)),
    Definition(
        ("mask", "causalmask", "tril"),
        (lambda P, Q, n: (P > 0).reshape(-1, *P.shape[-2:])[0],),
    ),
    Definition(("cos", "freqscos", "cosine"), (lambda theta: np.cos(theta),)),
    Definition(("sin", "freqssin", "sine"), (lambda theta: np.sin(theta),)),
    Definition(("keep_prob", "keep"), (lambda rate: 1 - rate,)),
    Definition(("scaling",), (lambda alpha, A, r: alpha / r,)),
)

#: Sizes: of the one batch axis, of the last axis of what comes in and of what goes out.
#: Single letters are sizes where they are capitals; small ones only if they mean nothing else.
BATCH_SIZES = words("N B M batch batchsize bs nbatch rows numrows nrows bt")
IN_SIZES = words(
    "C D V H K dim features infeatures indim inputdim inputsize hidden hiddensize hiddendim nembd "
    "embeddim dmodel size vocab vocabsize numclasses channels cols ncols numfeatures nin n d"
)
OUT_SIZES = words("outfeatures outdim outputdim outputsize oc nout outchannels")
#: How many there are of what an integer says one of.
COUNTS = words("V Vp numweights vocab vocabsize numclasses numembeddings nvocab classes")

#: What a forward function leaves for its backward function, as one object.
SAVED = frozenset({"cache", "saved", "memory", "saves", "stash", "residuals", "residual", "res"})

#: Where parts of a backward function's name are exchanged for those of its forward function.
FORWARD_NAMES = (
    ("backward", "forward"),
    ("backprop", "forward"),
    ("bwd", "fwd"),
    ("_backward", ""),
    ("_bwd", ""),
    ("backward_", ""),
    ("backprop_", ""),
    ("_grad", ""),
    ("grad_", ""),
)

#: A name with one of these in it is one of a gradient and of no forward function.
BACKWARD_WORDS = ("backward", "bwd", "backprop", "grad", "vjp", "deriv")
