"""Least privilege as data: which objects and fields of its backend each operation of an API touches."""

from collections.abc import Iterable, Mapping
from typing import Protocol, Self, TypeAlias

import msgspec


class ObjectAccess(msgspec.Struct, frozen=True):
    """What is done with one object of a backend: an sObject, an entity set, a table.

    Attributes:
        read: Fields that are selected, tested or sorted by.
        create: Fields that are given on create.
        edit: Fields that are changed.
        delete: Whether records are deleted.
        all_records: Whether every record must be seen, whoever owns it.
    """

    read: frozenset[str] = frozenset()
    create: frozenset[str] = frozenset()
    edit: frozenset[str] = frozenset()
    delete: bool = False
    all_records: bool = False

    def __or__(self, other: "ObjectAccess") -> "ObjectAccess":
        """Both together."""
        return ObjectAccess(
            self.read | other.read,
            self.create | other.create,
            self.edit | other.edit,
            self.delete or other.delete,
            self.all_records or other.all_records,
        )


Access: TypeAlias = Mapping[str, ObjectAccess]
"""By the name of the object, as the backend spells it."""
OperationAccess: TypeAlias = Mapping[str, Access]
"""By the name of the contract's operation."""


def together(accesses: Iterable[Access]) -> dict[str, ObjectAccess]:
    """All of them as one."""
    found: dict[str, ObjectAccess] = {}
    for access in accesses:
        for name, each in access.items():
            found[name] = found.get(name, ObjectAccess()) | each
    return found


class AccessDeclaration(Protocol):
    """What an API does in its backend; `Api(access=…)` names the class, whose constructor asks for settings."""

    @classmethod
    def usual(cls) -> Self:
        """The declaration for a backend that is named as our settings assume; `triptych check` keeps it in `deploy`."""
        ...

    def operations(self) -> OperationAccess:
        """What each operation of the contract touches."""
        ...

    def undeclared(self) -> list[str]:
        """What the code is able to send though no operation declares it, a sentence each; empty when all is well."""
        ...

    def permission_set(self, access: Access) -> str:
        """The document by which the backend's administrator grants exactly this access."""
        ...
