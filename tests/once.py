"""What every application works out alike, worked out once in a process of tests. A test starts an application of its
own, and this was two thirds of what that costs."""

from collections.abc import Callable
from types import CodeType

from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.routing import Rule

Built = Callable[..., tuple[str, str]]


class Compiled(BytecodeCache):
    """Templates as code, for environments with the same options; a changed source is compiled anew."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, CodeType]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give the code kept for this file and source, where there is one."""
        checksum, code = self._kept.get(bucket.key, ("", None))
        if checksum == bucket.checksum:
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        assert bucket.code is not None
        self._kept[bucket.key] = (bucket.checksum, bucket.code)


class Route(Rule):
    """A route whose function that builds addresses is shared with the same route of other applications: the function
    asks the route it is called on for the converters, so it depends on the route's words alone."""

    built: dict[tuple[object, ...], Built] = {}  # noqa: RUF012  # shared on purpose

    def _compile_builder(self, append_unknown: bool = True) -> Built:
        if self.defaults:  # a default is written into the function by a converter
            return super()._compile_builder(append_unknown)
        key = (append_unknown, self.rule, *self._trace)
        if key not in self.built:
            self.built[key] = super()._compile_builder(append_unknown)
        return self.built[key]
