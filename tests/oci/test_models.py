"""Manifests and indexes are read strictly, and a platform is chosen as containerd does."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from container_magics.errors import CorruptArchiveError, NotFoundError, UsageError
from container_magics.oci.digests import check_digest, hasher_for
from container_magics.oci.models import (
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    DOCKER_SCHEMA1,
    MAX_MANIFEST_SIZE,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
    Descriptor,
    Index,
    Manifest,
    Platform,
    canonical_json,
    digest_of,
    parse_manifest,
    select_platform,
)

DIGEST = "sha256:" + "ab" * 32


def manifest(**changes):
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": DIGEST, "size": 7},
        "layers": [{"mediaType": OCI_LAYER_GZIP, "digest": DIGEST, "size": 0}],
    }
    document.update(changes)
    return {name: value for name, value in document.items() if value is not ...}


def encoded(document):
    return json.dumps(document).encode()


def index_of(*platforms):
    return Index(
        tuple(
            Descriptor(OCI_MANIFEST, digest_of(str(number).encode()), 1, platform)
            for number, platform in enumerate(platforms)
        )
    )


def chosen(wanted, *platforms):
    """The position of the platform that is chosen among those of an index."""
    parsed = [Platform.parse(text) for text in platforms]
    index = index_of(*parsed)
    return index.manifests.index(select_platform(index, Platform.parse(wanted)))


class TestParseManifest:
    def test_reads_a_manifest(self):
        found = parse_manifest(encoded(manifest(annotations={"a": "b"})), OCI_MANIFEST)
        assert found == Manifest(
            Descriptor(OCI_CONFIG, DIGEST, 7),
            (Descriptor(OCI_LAYER_GZIP, DIGEST, 0),),
            OCI_MANIFEST,
            {"a": "b"},
        )

    def test_reads_what_it_writes(self):
        index = Index(
            (
                Descriptor(OCI_MANIFEST, DIGEST, 3, Platform("linux", "arm", "v7")),
                Descriptor(
                    OCI_MANIFEST, DIGEST, 3, Platform("windows", "amd64", "", "10.0.1"), {"x": "y"}
                ),
            ),
            DOCKER_MANIFEST_LIST,
            {"k": "v"},
        )
        assert parse_manifest(canonical_json(index.to_json()), DOCKER_MANIFEST_LIST) == index
        single = Manifest(Descriptor(OCI_CONFIG, DIGEST, 7), (), DOCKER_MANIFEST, {"k": "v"})
        assert parse_manifest(canonical_json(single.to_json()), DOCKER_MANIFEST) == single

    @pytest.mark.parametrize("given_type", ["", "application/json; charset=utf-8", "text/plain"])
    def test_goes_by_the_document_where_the_given_type_is_generic(self, given_type):
        found = parse_manifest(encoded(manifest(mediaType=DOCKER_MANIFEST)), given_type)
        assert found.media_type == DOCKER_MANIFEST

    def test_ignores_parameters_of_the_given_type(self):
        assert parse_manifest(encoded(manifest(mediaType=...)), f"{OCI_MANIFEST}; charset=utf-8")

    def test_tells_an_index_from_a_manifest_where_nothing_names_the_type(self):
        found = parse_manifest(encoded({"schemaVersion": 2, "manifests": []}))
        assert isinstance(found, Index)
        assert isinstance(parse_manifest(encoded(manifest(mediaType=...))), Manifest)

    @pytest.mark.parametrize(
        ("document", "message"),
        [
            (manifest(config=...), "config is not a JSON object"),
            (manifest(layers={}), "layers is not a list"),
            (manifest(layers=[7]), r"layers\[0\] is not a JSON object"),
            (manifest(schemaVersion=3), "schemaVersion is 3"),
            (manifest(mediaType=7), "mediaType is not a text"),
            (manifest(mediaType="application/x"), "says it is 'application/x'"),
            (manifest(mediaType=OCI_INDEX), "ambiguous"),
            (manifest(manifests=[]), "ambiguous"),
            (manifest(annotations={"a": 1}), "annotations"),
            (manifest(annotations=[]), "not a JSON object"),
            ([], "not a JSON object"),
            (
                manifest(config={"mediaType": OCI_CONFIG, "digest": "sha256:../x", "size": 1}),
                "config: invalid digest",
            ),
            (
                manifest(config={"mediaType": OCI_CONFIG, "digest": DIGEST.upper(), "size": 1}),
                "invalid digest",
            ),
            (manifest(config={"mediaType": OCI_CONFIG, "digest": 1, "size": 1}), "invalid digest"),
            (manifest(config={"digest": DIGEST, "size": 1}), "config: mediaType"),
            *(
                (manifest(config={"mediaType": "x", "digest": DIGEST, "size": size}), "size is not")
                for size in (-1, 1.5, True, "1", None, 2**63)
            ),
        ],
    )
    def test_refuses_what_breaks_the_specification(self, document, message):
        with pytest.raises(CorruptArchiveError, match=message):
            parse_manifest(encoded(document), OCI_MANIFEST)

    def test_refuses_an_index_with_layers(self):
        document = manifest(mediaType=OCI_INDEX, manifests=[])
        with pytest.raises(CorruptArchiveError, match="ambiguous"):
            parse_manifest(encoded(document), OCI_INDEX)

    def test_refuses_a_platform_that_is_no_object(self):
        entry = {"mediaType": OCI_MANIFEST, "digest": DIGEST, "size": 1, "platform": "linux"}
        with pytest.raises(CorruptArchiveError, match=r"manifests\[0\].platform"):
            parse_manifest(encoded({"schemaVersion": 2, "manifests": [entry]}), OCI_INDEX)

    @pytest.mark.parametrize(
        "data",
        [b"", b"\xff\xfe", b"{", b"[" * 100_000, b"1" * 5000, b'{"a":' * 50_000],
        ids=["empty", "not UTF-8", "cut", "deep", "digits", "deep object"],
    )
    def test_refuses_what_is_no_json(self, data):
        with pytest.raises(CorruptArchiveError):
            parse_manifest(data, OCI_MANIFEST)

    def test_refuses_a_large_document(self):
        padded = encoded(manifest()) + b" " * MAX_MANIFEST_SIZE
        with pytest.raises(CorruptArchiveError, match="more than"):
            parse_manifest(padded, OCI_MANIFEST)

    def test_names_schema_1(self):
        with pytest.raises(CorruptArchiveError, match="schema 1 is no longer supported"):
            parse_manifest(encoded({"schemaVersion": 1}), DOCKER_SCHEMA1)

    def test_refuses_another_kind_of_document(self):
        with pytest.raises(CorruptArchiveError, match="unsupported manifest media type"):
            parse_manifest(encoded(manifest(mediaType="text/html")), "text/html")

    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.dictionaries(
            st.sampled_from(
                ["schemaVersion", "mediaType", "config", "layers", "manifests", "annotations"]
            ),
            st.recursive(
                st.none()
                | st.booleans()
                | st.integers()
                | st.floats()
                | st.sampled_from(["", DIGEST, OCI_CONFIG]),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(
                        st.sampled_from(["mediaType", "digest", "size", "platform", "x"]), inner
                    )
                ),
                max_leaves=8,
            ),
        ),
        st.sampled_from(["", OCI_MANIFEST, OCI_INDEX]),
    )
    def test_raises_nothing_else_whatever_the_document(self, document, media_type):
        try:
            parse_manifest(encoded({"schemaVersion": 2, **document}), media_type)
        except CorruptArchiveError as error:
            assert error.message


class TestDigests:
    def test_takes_sha256_and_sha512(self):
        for digest in (digest_of(b"x"), "sha512:" + "0" * 128):
            assert check_digest(digest) == digest

    @pytest.mark.parametrize(
        "digest", ["", "sha256:", "sha256:" + "g" * 64, "sha512:" + "a" * 64, "md5:" + "a" * 32,
                   DIGEST + "\n", "../" + DIGEST, None]
    )  # fmt: skip
    def test_refuses_others(self, digest):
        with pytest.raises(CorruptArchiveError):
            check_digest(digest)

    def test_hashes_by_the_algorithm_of_the_digest(self):
        assert hasher_for("sha512:" + "0" * 128).digest_size == 64
        empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        assert digest_of(b"") == empty

    def test_equal_values_give_equal_json(self):
        assert canonical_json({"b": 1, "a": "ü"}) == canonical_json({"a": "ü", "b": 1})
        assert canonical_json({"b": [1, None], "a": "ü"}) == '{"a":"ü","b":[1,null]}'.encode()
        with pytest.raises(ValueError):
            canonical_json(float("nan"))


class TestPlatform:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("linux/amd64", Platform("linux", "amd64")),
            ("linux/arm64/v8", Platform("linux", "arm64", "v8")),
            ("Linux/x86_64", Platform("linux", "amd64")),
            ("linux/aarch64", Platform("linux", "arm64")),
            ("linux/arm/7", Platform("linux", "arm", "v7")),
            ("linux/armhf", Platform("linux", "arm", "v7")),
            ("windows(10.0.17763)/amd64", Platform("windows", "amd64", "", "10.0.17763")),
            ("s390x", Platform("linux", "s390x")),
        ],
    )
    def test_parses(self, text, expected):
        assert Platform.parse(text) == expected

    def test_one_word_may_be_an_operating_system(self):
        assert Platform.parse("linux") == Platform.host()

    @pytest.mark.parametrize(
        "text", ["", "/", "linux/", "/amd64", "a/b/c/d", "linux/amd 64", "nonsense", "lin ux/amd64"]
    )
    def test_refuses(self, text):
        with pytest.raises(UsageError, match="invalid platform"):
            Platform.parse(text)

    @pytest.mark.parametrize("text", ["linux/amd64", "linux/arm64/v8", "linux/arm/v6"])
    def test_formats_as_written(self, text):
        assert Platform.parse(text).format() == text

    def test_host_is_what_dpkg_says(self):
        names = {"armhf": "arm", "i386": "386", "ppc64el": "ppc64le"}
        try:
            result = subprocess.run(
                ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
            )
        except FileNotFoundError:
            pytest.skip("no dpkg here to ask")
        architecture = result.stdout.strip()
        assert Platform.host().os == "linux"
        assert Platform.host().architecture == names.get(architecture, architecture)


class TestSelectPlatform:
    @pytest.mark.parametrize(
        ("wanted", "platforms", "position"),
        [
            ("linux/amd64", ["linux/arm64", "linux/amd64", "linux/amd64"], 1),
            ("linux/amd64", ["windows/amd64", "linux/386"], 1),
            ("linux/amd64", ["linux/386", "linux/amd64"], 1),
            ("linux/amd64/v3", ["linux/amd64", "linux/amd64/v2", "linux/amd64/v4"], 1),
            ("linux/amd64", ["linux/amd64/v2", "linux/amd64"], 1),
            ("linux/arm64", ["linux/arm/v7", "linux/arm64/v8"], 1),
            ("linux/arm64/v8", ["linux/amd64", "linux/arm64"], 1),
            ("linux/arm64", ["linux/arm/v6", "linux/arm/v7"], 1),
            ("linux/arm", ["linux/arm/v5", "linux/arm/v6", "linux/arm64"], 1),
            ("linux/arm/v6", ["linux/arm/v7", "linux/arm/v5"], 1),
        ],
    )
    def test_takes_the_best(self, wanted, platforms, position):
        assert chosen(wanted, *platforms) == position

    @pytest.mark.parametrize(
        ("wanted", "platform"),
        [("linux/arm/v6", "linux/arm/v7"), ("linux/386", "linux/amd64"),
         ("linux/amd64", "linux/amd64/v2"), ("linux/amd64", "darwin/amd64")],
    )  # fmt: skip
    def test_takes_nothing_newer_or_other(self, wanted, platform):
        with pytest.raises(NotFoundError, match="no matching manifest for"):
            chosen(wanted, platform)

    def test_lists_what_is_there(self):
        with pytest.raises(NotFoundError) as caught:
            chosen("linux/s390x", "linux/amd64", "linux/arm64/v8", "unknown/unknown")
        assert "linux/amd64, linux/arm64/v8" in caught.value.message
        assert "unknown" not in caught.value.message

    def test_never_takes_an_attestation(self):
        annotations = {"vnd.docker.reference.type": "attestation-manifest"}
        index = Index(
            (
                Descriptor(OCI_MANIFEST, DIGEST, 1, Platform("unknown", "unknown")),
                Descriptor(OCI_MANIFEST, DIGEST, 1, None, annotations),
                Descriptor(OCI_MANIFEST, DIGEST, 1, Platform("linux", "amd64"), annotations),
            )
        )
        with pytest.raises(NotFoundError, match="the image is for none"):
            select_platform(index, Platform("linux", "amd64"))

    def test_takes_one_without_a_platform_only_when_nothing_else_fits(self):
        index = index_of(None, Platform("linux", "amd64"))
        assert select_platform(index, Platform("linux", "amd64")) is index.manifests[1]
        assert select_platform(index, Platform("linux", "riscv64")) is index.manifests[0]


def test_needs_neither_a_notebook_nor_http():
    code = "import sys, container_magics.oci.models as m; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"requests", "IPython", "pandas"} & set(loaded)
