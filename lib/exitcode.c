#include "exitcode.h"

#include "err.h"

int exitcode_of(int err_code)
{
    return err_code < 0 && err_code != ERR_ANSWERED ? -err_code : EXITCODE_DONE;
}
