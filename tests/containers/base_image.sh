#!/usr/bin/env bash
# Makes a base image out of Debian's packages, for machines that reach no registry of containers: bookworm with its own
# Python 3.11, and this machine's certificates and pip settings, so that a build inside finds packages as one outside does.
#
#   base_image.sh TAG        needs root, debootstrap and Docker; half a minute to two minutes
set -euo pipefail
tag=${1:?"usage: base_image.sh TAG"}
if docker image inspect "$tag" >/dev/null 2>&1; then exit 0; fi

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
mirror=$(awk '$1 == "URIs:" { print $2; exit }' /etc/apt/sources.list.d/debian.sources 2>/dev/null || true)
[ "$mirror" ] || mirror=$(awk '$1 == "deb" && match($0, /https?:[^ ]+/) { print substr($0, RSTART, RLENGTH); exit }' \
    /etc/apt/sources.list 2>/dev/null || true)
debootstrap --variant=minbase --include=ca-certificates,python3,python3-pip,python3-venv bookworm "$root" "${mirror:-http://deb.debian.org/debian}" \
    >"$root.log" 2>&1 || { tail -5 "$root.log" >&2; exit 1; }
rm -rf "$root.log" "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/etc/apt/sources.list*
ln -s python3 "$root/usr/bin/python"
cp --dereference "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$root/etc/ssl/certs/ca-certificates.crt"
[ ! -f /etc/pip.conf ] || cp /etc/pip.conf "$root/etc/pip.conf"
certificates=/etc/ssl/certs/ca-certificates.crt
changes=(--change "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    --change "ENV PIP_CERT=$certificates SSL_CERT_FILE=$certificates"
    --change 'CMD ["python3"]')
while read -r setting; do
    changes+=(--change "ENV $setting")
done < <(env | grep -E '^PIP_(INDEX_URL|EXTRA_INDEX_URL|TRUSTED_HOST|DEFAULT_TIMEOUT)=' || true)
tar --directory "$root" --numeric-owner --create . | docker import "${changes[@]}" - "$tag" >/dev/null
echo "made $tag"
