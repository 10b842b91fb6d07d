"""Small files of TOML, the package's or the user's own: found, read, checked; every fault named."""

import tomllib
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from patrolmap.errors import ConfigError, OptionError, SourceNotFoundError
from patrolmap.events._columns import listing


def find_toml(name_or_path: "str | PathLike[str]", folder: Path, what: str) -> Path:
    """Return the path of a bundled file by its name, or of a file of the user's own."""
    if not isinstance(name_or_path, str | PathLike):
        raise OptionError(
            f"{what} is {type(name_or_path).__name__}; wanted a name or the path of a TOML file."
        )
    given = str(name_or_path)
    names = sorted(path.stem for path in folder.glob("*.toml"))
    if given in names:
        return folder / f"{given}.toml"
    path = Path(name_or_path)
    if path.suffix.lower() == ".toml" or len(path.parts) > 1:
        if not path.is_file():
            raise SourceNotFoundError(f"{path} is not there; wanted a TOML file of a {what}.")
        return path
    near = get_close_matches(given, names, n=2)
    hint = f" Did you mean {listing(near)}?" if near else ""
    raise OptionError(
        f"{what}={given!r} is none.{hint} There are {listing(names)}; or give the path of a TOML "
        "file."
    )


def read_toml(path: Path, model: Any) -> Any:
    """Read and check a TOML file; every error names the file, the key and the mend."""
    try:
        return model.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} is no TOML file: {error}.") from error
    except ValidationError as error:
        raise ConfigError(f"{path.name}: {explain(error, model)}") from error


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Put pydantic's first findings into a sentence each."""
    lines = []
    for finding in error.errors(include_url=False)[:5]:
        key = ".".join(str(part) for part in finding["loc"])
        if finding["type"] == "extra_forbidden":
            known = _keys(model, finding["loc"])
            near = get_close_matches(str(finding["loc"][-1]), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"wanted one of {listing(known)}"
            lines.append(f"there is no key {key!r}; {hint}")
        else:
            given = "" if finding["type"] == "missing" else f", given {finding['input']!r}"[:80]
            lines.append(f"{key}: {finding['msg']}{given}")
    return "; ".join(lines) + "."


def _keys(model: type[BaseModel], where: tuple[str | int, ...]) -> list[str]:
    """Return the keys that may stand where a key was found, in a table inside of the file too."""
    for part in where[:-1]:
        if part in model.model_fields:
            kind: Any = model.model_fields[str(part)].annotation
            inner = [one for one in (kind, *get_args(kind)) if isinstance(one, type)]
            model = next((one for one in inner if issubclass(one, BaseModel)), model)
    return list(model.model_fields)
