"""A configuration says what is meant, or the daemon does not start."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config import load_config, parse_config
from edge.errors import ConfigError

WHOLE = """
[device]
id = "ls-0042"
[scanner]
url = "loamscan:///dev/ttyACM0"
[log]
directory = "log"
[mqtt]
host = "localhost"
"""


def test_the_example_that_is_shipped_is_valid() -> None:
    example = Path(__file__).parents[2] / "deploy" / "loamscan.toml"
    config = load_config(example)
    assert config.device.id == "ls-0001"
    assert config.log.directory == Path("/var/lib/loamscan")


def test_relative_paths_count_from_the_file() -> None:
    config = parse_config(WHOLE, Path("/etc/loamscan"))
    assert config.log.directory == Path("/etc/loamscan/log")


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("folder:exports?unit=nm", "folder:/etc/loamscan/exports?unit=nm"),
        ("folder:/media/a", "folder:/media/a"),
        ("replay:a.jsonl", "replay:/etc/loamscan/a.jsonl"),
        ("loamscan:///dev/ttyACM0", "loamscan:///dev/ttyACM0"),
    ],
)
def test_so_do_those_of_a_scanner_that_is_a_file(url: str, meant: str) -> None:
    text = WHOLE.replace("loamscan:///dev/ttyACM0", url)
    assert parse_config(text, Path("/etc/loamscan")).scanner.url == meant


@pytest.mark.parametrize(
    ("text", "says", "remedy"),
    [
        (WHOLE + "hots = 'x'\n", "[mqtt] has an unknown key 'hots'", "did you mean 'host'?"),
        (WHOLE + "[mqtt.tls]\nca_fil = 'x'\n", "[mqtt.tls]", ""),
        (WHOLE + "[scaner]\n", "unknown key 'scaner'", "did you mean 'scanner'?"),
        (WHOLE.replace("[log]\ndirectory", "[log]\n# directory"), "[log] lacks 'directory'", ""),
        (WHOLE.replace("[device]\nid", "[device]\n# id"), "[device] lacks 'id'", ""),
        (WHOLE.replace('[scanner]\nurl = "loamscan:///dev/ttyACM0"', ""), "section [scanner]", ""),
        (WHOLE + "port = 99999\n", "[mqtt] port:", ""),
        (WHOLE.replace("ls-0042", "a/b"), "[device] id:", ""),
        (WHOLE + "[model]\nbundle = 7\n", "[model] bundle:", ""),
        ("[device\n", "is not TOML", "mend"),
        (WHOLE + "password_file = 3\n", "[mqtt] password_file:", ""),
    ],
)
def test_each_mistake_is_named_with_its_remedy(text: str, says: str, remedy: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, Path(), "loamscan.toml")
    assert says in caught.value.what
    assert remedy in caught.value.remedy
    assert "loamscan.toml" in caught.value.what


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml can't be read"):
        load_config(tmp_path / "absent.toml")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_config(tmp_path / "a.toml")
