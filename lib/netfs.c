#include "netfs.h"

#include <stddef.h>
#include <stdint.h>

/* Filesystems on which another machine may write, or whose locks and shared memory do not reach
 * every process (statfs(2), linux/magic.h). FUSE is here whole: what is behind it cannot be asked,
 * and it is most often sshfs, a cloud store or a host's directory in a virtual machine. */
static const struct {
    uint32_t type;
    const char *name;
} remote[] = {
    {0x00006969, "NFS"},      {0x0000517B, "SMB"},        {0xFF534D42, "CIFS"},
    {0xFE534D42, "SMB2"},     {0x01021997, "9P"},         {0x5346414F, "AFS"},
    {0x6B414653, "AFS"},      {0x73757245, "Coda"},       {0x00C36400, "Ceph"},
    {0x0BD00BD0, "Lustre"},   {0x47504653, "GPFS"},       {0x65735546, "FUSE"},
    {0x7461636F, "OCFS2"},    {0x01161970, "GFS2"},       {0x0000564C, "NCP"},
    {0xAAD7AAEA, "PanFS"},    {0x786F4256, "VirtualBox"}, {0xBACBACBC, "VMware HGFS"},
    {0x19830326, "BeeGFS"},   {0x20030528, "OrangeFS"},   {0x61636673, "ACFS"},
    {0xBEEFDEAD, "StorNext"}, {0x7C7C6673, "Parallels"},
};

/* f_type is signed on some machines: only its low half is the number. */
const char *netfs_name(const struct statfs *fs)
{
    for (size_t i = 0; i < sizeof remote / sizeof *remote; i++)
        if ((uint32_t)fs->f_type == remote[i].type)
            return remote[i].name;
    return NULL;
}
