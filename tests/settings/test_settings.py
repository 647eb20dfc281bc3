"""Settings: where each comes from, and what is said about a wrong one."""

from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

import pytest

from dnsregistry.answers.access import EVERYONE
from dnsregistry.settings import PREFIX, Settings, SettingsError, load
from dnsregistry.zone.policy import EmptyService

WriteConfig = Callable[[str], Path]


@pytest.fixture
def write_config(tmp_path: Path) -> WriteConfig:
    """Write a TOML file and return its path."""

    def write(text: str) -> Path:
        path = tmp_path / "dnsregistry.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def _load(**flags: object) -> Settings:
    return load(flags, {}, None)[0]


def _fault(**flags: object) -> str:
    with pytest.raises(SettingsError) as caught:
        _load(**flags)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = _load()
    assert settings.zone == "registry.local"
    assert (settings.dns_host, settings.dns_port) == (("127.0.0.1",), 5300)
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 8053)
    assert (settings.lease_ttl, settings.dns_ttl, settings.negative_ttl) == (30, 5, 1)
    assert settings.empty_service is EmptyService.NODATA
    assert settings.allow_query == EVERYONE
    assert settings.tcp_idle == 10
    assert (settings.body_limit, settings.array_body_limit) == (1 << 20, 64 << 20)
    assert not settings.insecure


def test_a_flag_goes_over_the_environment_over_the_file_over_the_default(
    monkeypatch: pytest.MonkeyPatch, write_config: WriteConfig
) -> None:
    config = write_config("dns_ttl = 11\nnegative_ttl = 12\nlease_ttl = 13\n")
    monkeypatch.setenv(f"{PREFIX}NEGATIVE_TTL", "22")
    monkeypatch.setenv(f"{PREFIX}LEASE_TTL", "23")
    settings, warnings = load({"lease_ttl": "33"}, {}, config)
    assert settings.tcp_idle == 10
    assert settings.dns_ttl == 11
    assert settings.negative_ttl == 22
    assert settings.lease_ttl == 33
    assert warnings == []


def test_the_files_keys_may_be_upper_case_and_its_values_typed(write_config: WriteConfig) -> None:
    config = write_config('ZONE = "a.example"\ndns_host = ["127.0.0.1", "::1"]\nINSECURE = true\n')
    settings, _ = load({}, {}, config)
    assert settings.zone == "a.example"
    assert settings.dns_host == ("127.0.0.1", "::1")
    assert settings.insecure


def test_lists_are_separated_by_commas() -> None:
    assert _load(dns_host=" 127.0.0.1, ::1 ,").dns_host == ("127.0.0.1", "::1")
    networks = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))
    assert _load(allow_query="10.0.0.0/8,2001:db8::/32").allow_query == networks
    assert _load(allow_query="any").allow_query == EVERYONE


def test_an_environment_list_needs_no_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}DNS_HOST", "127.0.0.1,127.0.0.2")
    assert _load().dns_host == ("127.0.0.1", "127.0.0.2")


@pytest.mark.parametrize(
    ("text", "origin"),
    [("registry.local.", "registry.local"), ("Registry.LOCAL", "registry.local"), ("lan", "lan")],
)
def test_the_origin_is_kept_in_one_form(text: str, origin: str) -> None:
    assert _load(zone=text).zone == origin


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("zone", ".", "'.' is no address and no host name: '' is empty"),
        ("zone", "", "'' is no address and no host name: '' is empty"),
        ("zone", "a..b", "'a..b' is no address and no host name: '' is empty"),
        ("zone", "a b.test", "'a b.test' is no address and no host name: 'a b' may hold only"),
        ("zone", "exämple.test", "'exämple.test' is no address and no host name: 'exämple' may"),
        ("zone", "a" * 64, f"'{'a' * 64}' is no address and no host name: '{'a' * 64}' has 64"),
        ("allow_query", "", "names no network; say any for all clients"),
        ("dns_host", "127.0.0.1,127.0.0.1", "names an address twice"),
        ("zone", ".".join(["abcdefghi"] * 10), "is longer than 100 octets"),
        ("dns_host", "localhost", "'localhost' does not appear to be an IPv4 or IPv6 address"),
        ("dns_host", ",", "names no address"),
        ("dns_port", "65536", "input should be less than or equal to 65535"),
        ("dns_port", "-1", "input should be greater than or equal to 0"),
        (
            "dns_port",
            "domain",
            "input should be a valid integer, unable to parse string as an integer",
        ),
        ("http_host", "example.com", "'example.com' does not appear to be an IPv4 or IPv6 address"),
        ("http_port", "x", "input should be a valid integer, unable to parse string as an integer"),
        (
            "store",
            "etcd://h",
            "is no store; a store's URL begins with one of memory://, sqlite://",
        ),
        ("lease_ttl", "0.5", "input should be greater than or equal to 1"),
        ("lease_ttl", "nan", "input should be "),
        ("lease_ttl", "inf", "input should be less than or equal to 31536000"),
        ("dns_ttl", "0", "input should be greater than or equal to 1"),
        ("dns_ttl", "86401", "input should be less than or equal to 86400"),
        ("negative_ttl", "0", "input should be greater than or equal to 1"),
        ("negative_ttl", "3601", "input should be less than or equal to 3600"),
        ("empty_service", "maybe", "input should be 'nodata', 'nxdomain' or 'all'"),
        ("allow_query", "10.0.0.0/33", "'10.0.0.0/33' does not appear to be an IPv4 or IPv6"),
        ("allow_query", "10.0.0.1/8", "10.0.0.1/8 has host bits set"),
        ("allow_query", "127.0.0.1,nobody", "'nobody' does not appear to be an IPv4 or IPv6"),
        ("tcp_idle", "0", "input should be greater than 0"),
        ("tcp_connections", "0", "input should be greater than or equal to 1"),
        ("tcp_connections_per_client", "0", "input should be greater than or equal to 1"),
        ("body_limit", "10", "input should be greater than or equal to 1024"),
        ("array_body_limit", "10", "input should be greater than or equal to 1024"),
        ("insecure", "perhaps", "input should be a valid boolean, unable to interpret input"),
    ],
)
def test_a_wrong_value_is_told_in_one_sentence_that_names_it(
    name: str, value: str, rule: str
) -> None:
    assert _fault(**{name: value}).startswith(f"{name.upper()}={value}: {rule}")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "2001:db8::1"])
def test_the_api_is_open_beyond_loopback_only_where_that_is_meant(host: str) -> None:
    assert _fault(http_host=host) == (
        f"HTTP_HOST={host} would let anyone who reaches it write; give TOKENS_FILE,"
        " or say INSECURE=true if that is meant"
    )
    assert _load(http_host=host, insecure=True).http_host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1"])
def test_loopback_is_open(host: str) -> None:
    assert _load(http_host=host).http_host == host


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "missing.toml"
    with pytest.raises(SettingsError) as caught:
        load({}, {}, path)
    assert str(caught.value) == f"cannot read {path}: No such file or directory"


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load({}, {}, tmp_path)
    assert str(caught.value) == f"cannot read {tmp_path}: Is a directory"


@pytest.mark.parametrize("content", [b"zone = ", b"zone = 'a'\nzone = 'b'", b"zone = '\xff'"])
def test_a_file_that_is_no_toml_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load({}, {}, path)
    text = str(caught.value)
    assert text.startswith(f"{path} is no TOML: ")
    assert "\n" not in text


def test_a_key_that_is_no_setting_is_told_with_the_nearest(write_config: WriteConfig) -> None:
    config = write_config("dns_prot = 53\n")
    with pytest.raises(SettingsError) as caught:
        load({}, {}, config)
    assert str(caught.value) == f"{config} has no such setting: dns_prot; did you mean DNS_PORT?"


def test_a_wrong_value_in_the_file_names_the_setting(write_config: WriteConfig) -> None:
    with pytest.raises(SettingsError) as caught:
        load({}, {}, write_config("zone = 5\n"))
    assert str(caught.value) == "ZONE=5: input should be a valid string"


def test_a_variable_that_is_no_setting_is_warned_of() -> None:
    environment = {
        f"{PREFIX}DNS_PROT": "53",
        f"{PREFIX}QQQQQQ": "1",
        f"{PREFIX}DNS_PORT": "53",
        f"{PREFIX}URL": "http://127.0.0.1:8053",
        "DNS_HOST": "not ours",
    }
    _, warnings = load({}, environment, None)
    assert warnings == [
        "the variable DNSREGISTRY_DNS_PROT is no setting; did you mean DNS_PORT?",
        "the variable DNSREGISTRY_QQQQQQ is no setting",
    ]
