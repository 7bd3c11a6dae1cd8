"""Published texts: found in ``$WORKBENCH_DATA`` or the cache, downloaded if need be, hash-checked."""

from __future__ import annotations

import json
import re

from workbench.data.locate import locate
from workbench.data.sources import File, Source
from workbench.data.text_sets import Passage

RAW = "https://raw.githubusercontent.com/"
SHAKESPEARE = Source(
    "text/tinyshakespeare",
    (File("input.txt", "6fb458f1232090904fb40fe944165e91"),),
    (RAW + "karpathy/char-rnn/master/data/tinyshakespeare/",),
    "public domain; put together by A. Karpathy",
)
SST2 = Source(
    "text/sst2",
    (
        File("train.tsv", "c6150a821d5effe356ec872c2b95855c"),
        File("dev.tsv", "3f2a9a844576f2b5a7aeeac2ccbab1c7"),
        File("test.tsv", "f8f49ee1b37ec68b0e8977fbe33761e2"),
    ),
    (RAW + "clairett/pytorch-sentiment-classification/master/data/SST2/",),
    "no licence stated; cite Socher et al., Recursive Deep Models, EMNLP 2013",
)
GSM8K = Source(
    "text/gsm8k",
    (File("train.jsonl", "a3a079b998bb13fa3aa9fc479e1e6dd0"), File("test.jsonl", "6493e22fc90d491ae8da0b88ffcfebae")),
    (RAW + "openai/grade-school-math/master/grade_school_math/data/",),
    "MIT, OpenAI; cite Cobbe et al., Training Verifiers to Solve Math Word Problems, arXiv:2110.14168",
)

CALCULATION = re.compile(r"<<.*?>>")


def shakespeare(length: int) -> list[Passage]:
    """Plays by Shakespeare, 1.1 million characters, in pieces of ``length``; a shorter rest is left out.

    Raises:
        DataUnavailable: the file is nowhere and cannot be downloaded.
        ValueError: the length is not positive, or the file has other contents than the published ones.
    """
    if length < 1:
        raise ValueError(f"length = {length} must be positive")
    text = locate(SHAKESPEARE, SHAKESPEARE.files[0]).read_text(encoding="utf-8")
    return [Passage("", text[at : at + length]) for at in range(0, len(text) - length + 1, length)]


def sst2(part: str) -> tuple[list[str], list[int]]:
    """Sentences of film reviews and whether they are good (1) or bad (0); ``part`` is train, dev or test.

    Raises:
        KeyError: no such part.
        DataUnavailable: the file is nowhere and cannot be downloaded.
        ValueError: it has other contents than the published ones.
    """
    lines = locate(SST2, _file(SST2, part)).read_text(encoding="utf-8").splitlines()
    pairs = [line.rsplit("\t", 1) for line in lines]
    return [text for text, _ in pairs], [int(label) for _, label in pairs]


def gsm8k(part: str) -> list[Passage]:
    """School problems, with the calculator's notes taken out; ``part`` is train or test.

    The rationale are the published steps, the response ends with the answer after "####".

    Raises:
        KeyError: no such part.
        DataUnavailable: the file is nowhere and cannot be downloaded.
        ValueError: it has other contents than the published ones.
    """
    found = []
    for line in locate(GSM8K, _file(GSM8K, part)).read_text(encoding="utf-8").splitlines():
        problem = json.loads(line)
        response = "\n" + CALCULATION.sub("", problem["answer"])
        found.append(Passage(problem["question"], response, response.rpartition("\n####")[0]))
    return found


def _file(source: Source, part: str) -> File:
    files = {file.name.split(".")[0]: file for file in source.files}
    if part not in files:
        raise KeyError(f"no part {part!r} in {source.folder}; there are {', '.join(files)}")
    return files[part]
