/* Which filesystems are a network's. */
#include "netfs.h"

#include <stdint.h>
#include <string.h>

#include "tap.h"

static const char *name_of(uint32_t type)
{
    struct statfs fs;
    memset(&fs, 0, sizeof fs);
    fs.f_type = (__typeof__(fs.f_type))type;
    const char *name = netfs_name(&fs);
    return name ? name : "local";
}

int main(void)
{
    tap_str(name_of(0x6969), "NFS", "NFS is a network filesystem");
    tap_str(name_of(0xFF534D42), "CIFS", "a number with its highest bit set is known too");
    tap_str(name_of(0xAAD7AAEA), "PanFS", "PanFS is one");
    tap_str(name_of(0x19830326), "BeeGFS", "BeeGFS is one");
    tap_str(name_of(0x65735546), "FUSE", "what is behind FUSE may be anywhere");
    tap_str(name_of(0xEF53), "local", "ext4 is local");
    tap_str(name_of(0x01021994), "local", "tmpfs is local");
    struct statfs fs;
    memset(&fs, 0, sizeof fs);
    fs.f_type = (__typeof__(fs.f_type))(int32_t)0xFE534D42;
    tap_str(netfs_name(&fs), "SMB2", "a sign that the kernel carried along does not matter");
    return tap_done();
}
