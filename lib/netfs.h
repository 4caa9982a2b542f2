/* netfs: filesystems on which locks, shared mappings and FIFOs do not reach everybody who writes. */
#ifndef ROTA_NETFS_H
#define ROTA_NETFS_H

#include <sys/vfs.h>

/* The name of the network filesystem that statfs(2) tells of ("NFS"), static; NULL: it is a local one. */
const char *netfs_name(const struct statfs *fs);

#endif
