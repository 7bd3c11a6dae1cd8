"""The public data sets a setting may ask for: files, hashes, where they are published, and under which licence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class File:
    """One published file.

    Attributes:
        name: relative to the data set's folder.
        md5: of its bytes.
        unpacked_md5: of its bytes after gunzip, for copies that were packed again; empty if it is not a ``.gz``.
        sha256: of its bytes; a file without one is never downloaded.
    """

    name: str
    md5: str
    unpacked_md5: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Source:
    """One data set.

    Attributes:
        folder: of the files, below ``$WORKBENCH_DATA`` or the cache.
        files: what is published.
        urls: where, tried in this order; the file name is appended; https only.
        licence: shown when it is downloaded.
        members: files inside the archive that are read; an unpacked folder with them serves as well.
    """

    folder: str
    files: tuple[File, ...]
    urls: tuple[str, ...]
    licence: str
    members: tuple[File, ...] = ()


TORONTO = ("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/")
CIFAR_LICENCE = "no licence stated; cite A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009"

FASHION_MNIST = Source(
    "fashion_mnist",
    (
        File(
            "train-images-idx3-ubyte.gz",
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            sha256="3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        File(
            "train-labels-idx1-ubyte.gz",
            "25c81989df183df01b3e8a0aad5dffbe",
            "9018921c3c673c538a1fc5bad174d6f9",
            sha256="a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        File(
            "t10k-images-idx3-ubyte.gz",
            "bef4ecab320f06d8554ea6380940ec79",
            "8181f5470baa50b63fa0f6fddb340f0a",
            sha256="346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        File(
            "t10k-labels-idx1-ubyte.gz",
            "bb300cfdad3c16e7a12a480ee83cd310",
            "15d484375f8d13e6eb1aabb0c3f46965",
            sha256="67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
    (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
    "MIT, Zalando SE; cite Xiao, Rasul and Vollgraf, Fashion-MNIST, arXiv:1708.07747",
)

MNIST = Source(
    "mnist",
    (
        File(
            "train-images-idx3-ubyte.gz",
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "6bbc9ace898e44ae57da46a324031adb",
            sha256="440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        File(
            "train-labels-idx1-ubyte.gz",
            "d53e105ee54ea40749a09fcbcd1e9432",
            "a25bea736e30d166cdddb491f175f624",
            sha256="3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
        File(
            "t10k-images-idx3-ubyte.gz",
            "9fb629c4189551a2d022fa330f9573f3",
            "2646ac647ad5339dbf082846283269ea",
            sha256="8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        File(
            "t10k-labels-idx1-ubyte.gz",
            "ec29112dd5afa0611ce80d1b7f02629c",
            "27ae3e4e09519cfbb04c329615203637",
            sha256="f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ),
    ("https://ossci-datasets.s3.amazonaws.com/mnist/",),
    "CC BY-SA 3.0, Y. LeCun, C. Cortes and C. Burges; cite LeCun et al., Gradient-based learning, 1998",
)

CIFAR10 = Source(
    "cifar10",
    (
        File(
            "cifar-10-python.tar.gz",
            "c58f30108f718f92721af3b95e74349a",
            sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        ),
    ),
    TORONTO,
    CIFAR_LICENCE,
    (
        File("cifar-10-batches-py/data_batch_1", "c99cafc152244af753f735de768cd75f"),
        File("cifar-10-batches-py/data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
        File("cifar-10-batches-py/data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
        File("cifar-10-batches-py/data_batch_4", "634d18415352ddfa80567beed471001a"),
        File("cifar-10-batches-py/data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
        File("cifar-10-batches-py/test_batch", "40351d587109b95175f43aff81a1287e"),
        File("cifar-10-batches-py/batches.meta", "5ff9c542aee3614f3951f8cda6e48888"),
    ),
)

CIFAR100 = Source(
    "cifar100",
    (
        File(
            "cifar-100-python.tar.gz",
            "eb9058c3a382ffc7106e4002c42a8d85",
            sha256="85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
        ),
    ),
    TORONTO,
    CIFAR_LICENCE,
    (
        File("cifar-100-python/train", "16019d7e3df5f24257cddd939b257f8d"),
        File("cifar-100-python/test", "f0ef6b0ae62326f3e7ffdfab6717acfc"),
        File("cifar-100-python/meta", "7973b15100ade9c7d40fb424638fde48"),
    ),
)

SOURCES = {source.folder: source for source in (FASHION_MNIST, MNIST, CIFAR10, CIFAR100)}
