//! The servers that tests start: MariaDB and RadosGW, from Debian's packages.

use crate::Outcome;
use crate::packages;

/// Programs that tests start, each with the packages that bring it.
const PROGRAMS: [(&str, &str); 10] = [
    ("mariadbd", "mariadb-server"),
    ("mariadb-install-db", "mariadb-server"),
    ("mariadb", "mariadb-client"),
    ("ceph-mon", "ceph-mon"),
    ("ceph-osd", "ceph-osd"),
    ("ceph", "ceph-common"),
    ("monmaptool", "ceph-common"),
    ("ceph-authtool", "ceph-common"),
    ("radosgw-admin", "radosgw"),
    ("radosgw", "radosgw"),
];

/// Makes sure that every server is there: installs what is missing on Debian as root, or says the command that does.
pub(crate) fn ensure() -> Outcome {
    packages::ensure(&PROGRAMS, "the tests start servers of their own (MariaDB and Ceph's RadosGW)")
}
