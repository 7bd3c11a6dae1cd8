"""What a compiled function does and which global names it reads, without the file and the line it stands in."""

from __future__ import annotations

import dis
import hashlib
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple

READS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
GOES_ON = ("LOAD_ATTR", "LOAD_METHOD")


class Compiled(NamedTuple):
    """A code object, with those inside it.

    Attributes:
        digest: the same for the same instructions, constants, names and argument names.
        reads: global names, each with the attributes that are asked of it: ``helpers.noise`` is ("helpers", "noise").
        imports: modules imported inside, as (level, name, names taken from it).
    """

    digest: bytes
    reads: tuple[tuple[str, ...], ...]
    imports: tuple[tuple[int, str, tuple[str, ...]], ...]


@lru_cache(maxsize=4096)
def compiled(code: CodeType) -> Compiled:
    """What a code object says; code objects never change, so this is worked out once."""
    inner = [compiled(part) for part in code.co_consts if isinstance(part, CodeType)]
    reads, imports = _looked_up(code)
    for part in inner:
        reads |= set(part.reads)
        imports |= set(part.imports)
    return Compiled(_digest(code), tuple(sorted(reads)), tuple(sorted(imports)))


def _digest(code: CodeType) -> bytes:
    arguments = code.co_argcount + code.co_kwonlyargcount
    parts = [code.co_code, code.co_exceptiontable, _constant(code.co_consts).encode()]
    shape = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    parts.append(repr((shape, code.co_names, code.co_varnames[:arguments])).encode())
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()


def _constant(value: Any) -> str:
    """A text that is the same in every process: no addresses, no order of sets."""
    if isinstance(value, CodeType):
        return compiled(value).digest.hex()
    if isinstance(value, tuple):
        return f"({','.join(map(_constant, value))})"
    if isinstance(value, frozenset):
        return f"{{{','.join(sorted(map(_constant, value)))}}}"
    return repr(value)


def _looked_up(code: CodeType) -> tuple[set[tuple[str, ...]], set[tuple[int, str, tuple[str, ...]]]]:
    reads: set[tuple[str, ...]] = set()
    imports: set[tuple[int, str, tuple[str, ...]]] = set()
    chain: tuple[str, ...] = ()
    before: list[Any] = [0, None]  # what was put on the stack last: level and names of an import
    for instruction in dis.get_instructions(code):
        if chain and instruction.opname in GOES_ON:
            chain = (*chain, instruction.argval)
            continue
        if chain:
            reads.add(chain)
        chain = (instruction.argval,) if instruction.opname in READS else ()
        if instruction.opname == "IMPORT_NAME":
            imports.add((before[0] or 0, instruction.argval, tuple(before[1] or ())))
        before = [before[1], instruction.argval if instruction.opname.startswith("LOAD_") else None]
    return (reads | {chain} if chain else reads), imports
