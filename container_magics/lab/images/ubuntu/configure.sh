# Install the packages in /bootstrap whose files are there but which dpkg doesn't know yet.
#
# The order is that of debootstrap's second stage: the users and the directories that every
# maintainer script takes for granted first, then all unpacked, then all configured.
set -eu
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LC_ALL=C
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

cd /bootstrap
dpkg --force-depends --install ./base-passwd_*.deb
dpkg --force-depends --install ./base-files_*.deb
dpkg --force-depends --unpack ./*.deb
dpkg --configure --pending --force-configure-any --force-depends

unfinished=$(dpkg --audit)
if [ -n "$unfinished" ]; then
    echo "$unfinished" >&2
    exit 1
fi

cd /
rm -rf /bootstrap /var/log/* /var/cache/* /var/lib/apt/lists/* /tmp/*
rm -f /var/lib/dpkg/*-old /etc/*- /etc/.pwd.lock /etc/machine-id
mkdir -p /var/cache/apt/archives/partial /var/cache/debconf /var/log/apt /var/lib/apt/lists/partial
