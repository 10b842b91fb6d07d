"""What the README and docs say is true: their code runs, their links lead somewhere."""

import re
import runpy
import shlex
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer

import patrolmap as pm
from patrolmap.cli import app

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "data" / "sample" / "README.md",
]


def blocks(language: str) -> list[str]:
    """Return the README's code blocks of one language."""
    text = README.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def targets(page: Path) -> list[str]:
    """Return the relative links and pictures of a page."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    links = re.findall(r"\]\(([^)\s]+)\)", prose)
    return [link for link in links if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    gone = [link for link in targets(page) if not (page.parent / unquote(link)).exists()]
    assert gone == []


def test_the_link_check_sees_links() -> None:
    assert {"docs/images/map.png", "docs/method.md", "LICENSE"} <= set(targets(README))


def test_the_notebook_in_the_readme_runs_on_the_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (notebook,) = blocks("python")
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "notebook.py"
    script.write_text(notebook, encoding="utf-8")
    with pytest.warns(pm.errors.RejectedRowsWarning):
        names = runpy.run_path(str(script))
    assert pm.check_plan(names["plan"], names["streets"]).empty
    assert len(names["plan"].routes) == 4
    assert "leaflet" in (tmp_path / "map.html").read_text(encoding="utf-8").lower()
    assert capsys.readouterr().out.startswith("4 crews")


def test_the_config_in_the_readme_is_one_that_plan_takes(home: Path) -> None:
    (config,) = blocks("toml")
    path = home / "readme.toml"
    path.write_text(config, encoding="utf-8")
    read = pm.NightlyConfig.from_file(path)
    assert [shift.name for shift in read.shifts] == ["night"]


def test_every_command_in_the_readme_is_one_that_the_command_line_takes() -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    commands = [shlex.split(line, comments=True) for line in lines if line.startswith("patrolmap ")]
    assert {words[1] for words in commands} == {"demo", "check", "plan"}
    for _, name, *words in commands:
        known = typer.main.get_command(app).commands[name]
        known.make_context(name, words)  # raises on an unknown option or a missing argument


def test_the_tables_page_is_what_the_contracts_say() -> None:
    make_docs = runpy.run_path(str(ROOT / "tools" / "make_docs.py"))
    page = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    assert page == make_docs["page"](), "run: make docs"


def test_the_rules_in_the_docs_are_those_in_force() -> None:
    make_docs = runpy.run_path(str(ROOT / "tools" / "make_docs.py"))
    page = (ROOT / "docs" / "streets.md").read_text(encoding="utf-8")
    assert "| trunk roads without one | out |" in page
    assert page == make_docs["streets_page"](page), "run: make docs"
